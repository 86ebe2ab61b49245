//! Reading what the kernel holds: our own tables to see whether they are whole, others' to warn about them.

use sampan_sys::netlink::NetlinkSocket;

use super::set::Element;
use super::{Family, message};
use crate::error::Result;
use crate::netlink::{Attributes, DUMP, Request};

const NFT_MSG_GETTABLE: u16 = 1;
const NFT_MSG_GETCHAIN: u16 = 4;
const NFT_MSG_GETRULE: u16 = 7;
const NFT_MSG_GETSETELEM: u16 = 13;
/// Size of `struct nfgenmsg`.
const HEADER: usize = 4;
const NESTED: u16 = 0x8000;

/// A base or plain chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// `NFPROTO_*` of its table.
    pub(crate) family: u8,
    pub(crate) table: String,
    pub(crate) name: String,
    /// Hook number and whether the policy is to drop; `None` for a plain chain.
    pub(crate) hook: Option<(u32, bool)>,
}

/// Names of all tables of a family.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn tables(socket: &NetlinkSocket, family: Family) -> Result<Vec<String>> {
    let mut request = Request::new();
    request.message(
        message(NFT_MSG_GETTABLE),
        DUMP,
        &[family.number(), 0, 0, 0],
        "list the packet filter tables",
    );
    let mut tables = Vec::new();
    request.list(socket, |_, payload| {
        tables.extend(attributes(payload).text(1).map(str::to_owned));
    })?;
    Ok(tables)
}

/// All chains of all families.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn chains(socket: &NetlinkSocket) -> Result<Vec<Chain>> {
    let mut request = Request::new();
    request.message(message(NFT_MSG_GETCHAIN), DUMP, &[0; HEADER], "list the packet filter chains");
    let mut chains = Vec::new();
    request.list(socket, |_, payload| {
        let found = attributes(payload);
        let (Some(table), Some(name)) = (found.text(1), found.text(3)) else { return };
        let hook = found.nested(4).u32_be(1).map(|number| (number, found.u32_be(5) == Some(0)));
        chains.push(Chain {
            family: payload.first().copied().unwrap_or_default(),
            table: table.to_owned(),
            name: name.to_owned(),
            hook,
        });
    })?;
    Ok(chains)
}

/// Hands every rule of a table to `rule`: its chain, and its list of expressions.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn rules(
    socket: &NetlinkSocket,
    family: u8,
    table: &str,
    mut rule: impl FnMut(&str, Attributes<'_>),
) -> Result<()> {
    let mut request = Request::new();
    request.message(message(NFT_MSG_GETRULE), DUMP, &[family, 0, 0, 0], "list the packet filter rules");
    request.put_text(1, table);
    request.list(socket, |_, payload| {
        let found = attributes(payload);
        // An old kernel does not filter by table.
        if found.text(1) == Some(table)
            && let Some(chain) = found.text(2)
        {
            rule(chain, found.nested(4));
        }
    })
}

/// How many elements a set holds.
///
/// # Errors
/// `ENOENT` when there is no such set.
pub(crate) fn element_count(socket: &NetlinkSocket, family: Family, table: &str, set: &str) -> Result<usize> {
    let mut request = Request::new();
    request.message(
        message(NFT_MSG_GETSETELEM),
        DUMP,
        &[family.number(), 0, 0, 0],
        "list packet filter elements",
    );
    request.put_text(1, table);
    request.put_text(2, set);
    let mut count = 0;
    request.list(socket, |_, payload| count += attributes(payload).nested(3).count())?;
    Ok(count)
}

/// Whether any of these elements was ever found by a packet. An element that is not there was not.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn was_found(
    socket: &NetlinkSocket,
    family: Family,
    table: &str,
    set: &str,
    elements: &[Element],
) -> Result<bool> {
    let mut request = Request::new();
    request.message(
        message(NFT_MSG_GETSETELEM),
        0,
        &[family.number(), 0, 0, 0],
        "read packet filter elements",
    );
    request.tolerate(rustix::io::Errno::NOENT);
    request.put_text(1, table);
    request.put_text(2, set);
    request.nest(3 | NESTED, |request| elements.iter().for_each(|element| element.encode_key(request)));
    let mut packets = 0;
    request.get_all(socket, |payload| {
        for (_, element) in attributes(payload).nested(3) {
            let counter = Attributes(element).nested(7).nested(2);
            let count = counter.find(2).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
            packets += count.unwrap_or_default();
        }
    })?;
    Ok(packets > 0)
}

fn attributes(payload: &[u8]) -> Attributes<'_> {
    Attributes(payload.get(HEADER..).unwrap_or_default())
}
