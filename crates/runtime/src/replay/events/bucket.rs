//! Events that lie in a bucket.

use stockade_aws::Aws;
pub use stockade_aws::Fault;
use stockade_config::Program;
use stockade_source::aws::s3::ObjectReader;

/// Reads objects as the configuration says how AWS is spoken to.
///
/// # Errors
/// If there are no credentials, or no region.
pub fn objects(program: &Program) -> Result<ObjectReader, Fault> {
    Ok(ObjectReader::new(&Aws::new(&crate::agent::access(program))?))
}
