//! The shape of the table, and the messages that ask for its parts.
//!
//! How it looks is in [`super`], how it is compared with what the kernel has in [`super::ground`].

use super::jail::Jail;
use super::names::{SetKind, Slug, TABLE};
use super::uapi::{chain, expr, msg, nl, proto, set, table};
use super::wire::Writer;

/// `raw`: before connection tracking, so that a banned flood costs no state, and before any destination NAT, so that
/// ports are those that the attacker addressed; after defragmentation (-400).
pub(super) const PRIORITY: i32 = -300;
/// How often the kernel frees expired elements. They match no packet from the instant they expire; the default of
/// one second walks the whole set far too often.
const GC_INTERVAL_MS: u32 = 30_000;
/// nft reads comments of at most so many bytes, the closing NUL not counted.
const MAX_COMMENT_BYTES: usize = 127;

/// Asks for the table to be deleted, with all that is in it.
pub(super) fn delete_table(w: &mut Writer) {
    w.message(msg::DELTABLE, 0, proto::INET, |w| w.text(table::NAME, TABLE));
}

/// Asks for the table.
pub(super) fn write_table(w: &mut Writer) {
    w.message(msg::NEWTABLE, nl::F_CREATE, proto::INET, |w| {
        w.text(table::NAME, TABLE);
        w.u32(table::FLAGS, 0);
        w.bytes(
            table::USERDATA,
            &comment(table::UDATA_COMMENT, "bans of Stockade; changes by hand are undone"),
        );
    });
}

/// Asks for the chain of a jail, or for the base chain.
pub(super) fn write_chain(w: &mut Writer, name: &str, jail: Option<&Jail>) {
    w.message(msg::NEWCHAIN, nl::F_CREATE, proto::INET, |w| {
        w.text(chain::TABLE, TABLE);
        w.text(chain::NAME, name);
        if let Some(jail) = jail {
            w.bytes(chain::USERDATA, &comment(chain::UDATA_COMMENT, &jail.name));
            return;
        }
        w.text(chain::TYPE, "filter");
        w.u32(chain::POLICY, expr::NF_ACCEPT);
        w.nest(chain::HOOK, |w| {
            w.u32(chain::HOOK_NUM, chain::PRE_ROUTING);
            w.u32(chain::HOOK_PRIORITY, PRIORITY.cast_unsigned());
        });
    });
}

/// Asks for a set; `id` is its own among the sets of a transaction.
pub(super) fn write_set(w: &mut Writer, kind: SetKind, slug: &Slug, id: u32) {
    w.message(msg::NEWSET, nl::F_CREATE, proto::INET, |w| {
        w.text(set::TABLE, TABLE);
        w.text(set::NAME, &kind.name(slug));
        w.u32(set::FLAGS, set::FLAG_TIMEOUT);
        w.u32(set::KEY_TYPE, kind.family.nft_type());
        w.u32(set::KEY_LEN, kind.family.address_bytes());
        w.u32(set::ID, id);
        w.u32(set::GC_INTERVAL, GC_INTERVAL_MS);
    });
}

/// Asks for a chain (`DELCHAIN`) or set (`DELSET`) to be deleted.
pub(super) fn write_deletion(w: &mut Writer, kind: u8, name: &str) {
    let attribute = if kind == msg::DELCHAIN { chain::NAME } else { set::NAME };
    w.message(kind, 0, proto::INET, |w| {
        w.text(table::NAME, TABLE);
        w.text(attribute, name);
    });
}

/// A comment as nft keeps it in user data. What would end nft's quotes becomes `?`, for listings are loaded again.
fn comment(kind: u8, text: &str) -> Vec<u8> {
    let mut shown = String::new();
    for c in text.chars().map(|c| if c == '"' || c.is_control() { '?' } else { c }) {
        if shown.len() + c.len_utf8() > MAX_COMMENT_BYTES {
            break;
        }
        shown.push(c);
    }
    let length = u8::try_from(shown.len() + 1).unwrap_or(u8::MAX);
    let mut udata = vec![kind, length];
    udata.extend_from_slice(shown.as_bytes());
    udata.push(0);
    udata
}
