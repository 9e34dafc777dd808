//! fail2ban's configuration: from files to jails, filters and actions, every value with the line it was written on.
//!
//! [`Reader`] is the way in: it reads [`ConfFiles`], which may be a [`Directory`], files [`Embedded`] in the binary, or one
//! [`Layered`] over the other. What it gives is text with all references replaced, in the types [`Jail`], [`FilterDef`],
//! [`ActionDef`]; regexes, dates and commands are for others to compile. What is wrong is collected in [`Problems`], all of it.
//!
//! ```
//! use stockade_filter::conf::{Embedded, Reader, Which};
//!
//! let files = Embedded(&[
//!     ("jail.conf", "[DEFAULT]\nfilter = %(__name__)s\nmaxretry = 5\n[demo]\nenabled = true\naction =\n"),
//!     ("jail.local", "[demo]\nmaxretry = 3\n"),
//!     ("filter.d/demo.conf", "[Definition]\nfailregex = ^<kind> login from <HOST>$\nkind = bad\n"),
//! ]);
//! let jails = Reader::new(&files).jails(Which::Enabled);
//! let demo = &jails.jails[0];
//! assert_eq!(demo.integer("maxretry"), Some(3));
//! let failregex = &demo.matching().failregex[0];
//! assert_eq!(failregex.text, "^bad login from <HOST>$");
//! assert_eq!(failregex.origin.to_string(), "(built in)/filter.d/demo.conf:2");
//! ```
//!
//! How a value comes about, in fail2ban's order: the layers of a set and their includes are found (`include`), each file
//! is parsed (`parse`), all are merged (`document`), `%(name)s` is replaced when an option is asked for (`interpolate`),
//! then `<tag>` among the options of a filter or action (`tags`, `definition`). Where fail2ban gives up at the first mistake,
//! this reader goes on with the next option.

pub mod action;
mod definition;
mod document;
pub mod dump;
mod files;
pub mod filter;
mod include;
mod interpolate;
pub mod jail;
mod jail_reader;
pub mod keys;
pub mod limits;
mod main_file;
mod origin;
mod parse;
pub mod problem;
mod problems;
mod reader;
mod settings;
mod space;
mod tags;
mod unused;
pub mod value;

#[cfg(test)]
mod tests;

pub use action::{Action, ActionDef, Family};
pub use files::{ConfFiles, Directory, Embedded, Layered};
pub use filter::{FilterDef, JournalMatch};
pub use jail::{Jail, JailFile, Which};
pub use main_file::MainOptions;
pub use origin::{Line, Origin, Value};
pub use parse::Options;
pub use problem::{Problem, ProblemKind, Severity};
pub use problems::{Problems, Read};
pub use reader::{FAIL2BAN_VERSION, Reader};
