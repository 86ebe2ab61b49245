//! One transaction: all of it happens, at one moment, or none.

use super::expression::Expression;
use super::set::{Element, Set};
use super::{Family, SUBSYSTEM, USER_TABLE, message};
use crate::error::Result;
use crate::fingerprint;
use crate::netlink::netfilter::NetfilterSocket;
use crate::netlink::{APPEND, CREATE, Request};

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NFT_MSG_NEWTABLE: u16 = 0;
const NFT_MSG_DELTABLE: u16 = 2;
const NFT_MSG_NEWCHAIN: u16 = 3;
const NFT_MSG_DELCHAIN: u16 = 5;
const NFT_MSG_NEWRULE: u16 = 6;
const NFT_MSG_DELRULE: u16 = 8;
const NFT_MSG_NEWSETELEM: u16 = 12;
const NFT_MSG_DELSETELEM: u16 = 14;
const NESTED: u16 = 0x8000;
/// Elements in one message: the list's length must fit into 16 bits.
const ELEMENTS_PER_MESSAGE: usize = 400;

/// A hook of the kernel for a base chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hook {
    /// `filter` or `nat`.
    pub(super) kind: &'static str,
    /// `NF_INET_*`.
    pub(super) number: u32,
    /// Lower comes first.
    pub(super) priority: i32,
}

/// A transaction in the making.
#[derive(Debug)]
pub(crate) struct Batch {
    request: Request,
    messages: u32,
    sets: u32,
}

impl Batch {
    /// Begins a transaction.
    pub(crate) fn new() -> Self {
        let mut request = Request::new();
        let [high, low] = SUBSYSTEM.to_be_bytes();
        request.message(BATCH_BEGIN, 0, &[0, 0, high, low], "change the packet filter");
        Self { request, messages: 1, sets: 0 }
    }

    /// A number that is the same for the same transaction.
    pub(super) fn fingerprint(&self) -> u64 {
        fingerprint::of(0, self.request.bytes())
    }

    /// Whether it would change nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 1
    }

    fn message(&mut self, family: Family, number: u16, flags: u16, label: String) -> &mut Request {
        self.messages += 1;
        self.request.message(message(number), flags, &[family.number(), 0, 0, 0], label);
        &mut self.request
    }

    /// Makes a table, if it is not there.
    pub(super) fn add_table(&mut self, family: Family, table: &str) {
        let request =
            self.message(family, NFT_MSG_NEWTABLE, CREATE, format!("make the packet filter table {table}"));
        request.put_text(1, table);
        request.put_u32_be(2, 0);
    }

    /// Removes a table with all that is in it.
    pub(crate) fn delete_table(&mut self, family: Family, table: &str) {
        let label = format!("remove the packet filter table {table}");
        self.message(family, NFT_MSG_DELTABLE, 0, label).put_text(1, table);
    }

    /// Makes a chain; with a hook the kernel sends packets to it, and its policy is to accept.
    pub(super) fn add_chain(&mut self, family: Family, table: &str, chain: &str, hook: Option<Hook>) {
        let request =
            self.message(family, NFT_MSG_NEWCHAIN, CREATE, format!("make the packet filter chain {chain}"));
        request.put_text(1, table);
        request.put_text(3, chain);
        if let Some(hook) = hook {
            request.put_text(7, hook.kind);
            request.nest(4 | NESTED, |request| {
                request.put_u32_be(1, hook.number);
                request.put(2, &hook.priority.to_be_bytes());
            });
            request.put_u32_be(5, 1);
        }
    }

    /// Makes the user's own table with a chain that sees forwarded packets before ours do.
    pub(crate) fn add_user_chain(&mut self) {
        self.add_table(Family::Both, USER_TABLE);
        let hook = Hook { kind: "filter", number: 2, priority: -10 };
        self.add_chain(Family::Both, USER_TABLE, "forward", Some(hook));
    }

    /// Removes a chain without rules.
    pub(super) fn delete_empty_chain(&mut self, family: Family, table: &str, chain: &str) {
        let request =
            self.message(family, NFT_MSG_DELCHAIN, 0, format!("remove the packet filter chain {chain}"));
        request.put_text(1, table);
        request.put_text(3, chain);
    }

    /// Removes the rules of a chain and the chain.
    pub(super) fn delete_chain(&mut self, family: Family, table: &str, chain: &str) {
        let request =
            self.message(family, NFT_MSG_DELRULE, 0, format!("empty the packet filter chain {chain}"));
        request.put_text(1, table);
        request.put_text(2, chain);
        self.delete_empty_chain(family, table, chain);
    }

    /// Appends a rule to a chain.
    pub(super) fn add_rule(&mut self, family: Family, table: &str, chain: &str, expressions: &[Expression]) {
        let label = format!("add a rule to the packet filter chain {chain}");
        let request = self.message(family, NFT_MSG_NEWRULE, CREATE | APPEND, label);
        request.put_text(1, table);
        request.put_text(2, chain);
        request.nest(4 | NESTED, |request| {
            for expression in expressions {
                expression.encode(request);
            }
        });
    }

    /// Makes a set or map.
    pub(super) fn add_set(&mut self, family: Family, table: &str, set: &Set) {
        self.sets += 1;
        self.messages += 1;
        set.encode(&mut self.request, family, table, self.sets);
    }

    /// Adds elements to a set; one that is there already with the same data is no failure.
    pub(super) fn add_elements(&mut self, family: Family, table: &str, set: &str, elements: &[Element]) {
        for chunk in elements.chunks(ELEMENTS_PER_MESSAGE) {
            let label = format!("add to the packet filter set {set}");
            let request = self.message(family, NFT_MSG_NEWSETELEM, CREATE, label);
            put_elements(request, table, set, chunk);
        }
    }

    /// Removes elements from a set; all of them must be there.
    pub(super) fn delete_elements(&mut self, family: Family, table: &str, set: &str, elements: &[Element]) {
        for chunk in elements.chunks(ELEMENTS_PER_MESSAGE) {
            let label = format!("remove from the packet filter set {set}");
            let request = self.message(family, NFT_MSG_DELSETELEM, 0, label);
            put_elements(request, table, set, chunk);
        }
    }

    /// Carries the transaction out.
    ///
    /// # Errors
    /// The kernel's refusal; then nothing was changed.
    pub(crate) fn commit(self, socket: &NetfilterSocket) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut request = self.request;
        let [high, low] = SUBSYSTEM.to_be_bytes();
        request.message(BATCH_END, 0, &[0, 0, high, low], "change the packet filter");
        socket.with(|socket| request.execute_acknowledging(socket, Some(self.messages)))
    }
}

fn put_elements(request: &mut Request, table: &str, set: &str, elements: &[Element]) {
    request.put_text(1, table);
    request.put_text(2, set);
    request.nest(3 | NESTED, |request| {
        for element in elements {
            element.encode(request);
        }
    });
}
