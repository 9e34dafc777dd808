//! Opening what repairs are kept in: a file, a database of PostgreSQL, or a table of DynamoDB.

use std::path::Path;

use stockade_config::{Program, StoreConfig};
use stockade_repair::{MemoryShelf, Shelf};

use super::error::RepairError;
use super::open::{Account, Need};

/// Opens the shelf that `[repair]` names. The second says that there is none yet, and nothing will be kept.
pub(super) fn open(
    program: &Program,
    need: Need,
    aws: Option<&Account>,
) -> Result<(Box<dyn Shelf>, bool), RepairError> {
    let _ = aws; // Not every build speaks to it.
    let place = program.repair.shelf(&program.store);
    match &place {
        StoreConfig::File(path)
            if !matches!(need, Need::All | Need::Record | Need::Answer) && !path.exists() =>
        {
            match need {
                Need::Kept => Err(RepairError::Nothing { place: place.to_string() }),
                _ => Ok((Box::new(MemoryShelf::default()), true)),
            }
        }
        StoreConfig::File(path) => Ok((file(path)?, false)),
        #[cfg(feature = "aws")]
        StoreConfig::DynamoDb { table } => {
            let aws = super::open::aws(program, aws)?;
            Ok((Box::new(stockade_repair::DynamoShelf::new(&aws, table)), false))
        }
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres(url) => {
            use super::postgres::PostgresShelf;
            if need == Need::All {
                return Ok((Box::new(PostgresShelf::open(url)?), false));
            }
            match (PostgresShelf::look(url)?, need) {
                (Some(shelf), _) => Ok((Box::new(shelf), false)),
                (None, Need::Kept) => Err(RepairError::Nothing { place: place.to_string() }),
                (None, _) => Ok((Box::new(MemoryShelf::default()), true)),
            }
        }
        #[cfg(not(feature = "postgres"))]
        StoreConfig::Postgres(_) => {
            Err(RepairError::NoSuchShelf { place: place.to_string(), what: "PostgreSQL" })
        }
        #[cfg(not(feature = "aws"))]
        StoreConfig::DynamoDb { .. } => {
            Err(RepairError::NoSuchShelf { place: place.to_string(), what: "DynamoDB" })
        }
        _ => Err(RepairError::NoSuchShelf { place: place.to_string(), what: "shelves there" }),
    }
}

#[cfg(feature = "sqlite")]
fn file(path: &Path) -> Result<Box<dyn Shelf>, RepairError> {
    Ok(Box::new(stockade_repair::SqliteShelf::open(path)?))
}

#[cfg(not(feature = "sqlite"))]
fn file(path: &Path) -> Result<Box<dyn Shelf>, RepairError> {
    Ok(Box::new(stockade_repair::FolderShelf::open(path)?))
}
