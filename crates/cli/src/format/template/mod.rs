//! Go templates with Docker's functions: parsed by the `gotmpl` crate, run here.
//!
//! The tree is walked by our own executor because what a template prints, and the sentence it fails
//! with, depend on Go types (structs, nil pointers, typed maps) and on positions, which the crate's
//! executor does not have. Messages are those of Go's `text/template`.

mod blocks;
mod compare;
mod error;
mod execute;
mod functions;

use std::collections::BTreeMap;

use gotmpl::parse::{ListNode, Parser};

pub(crate) use error::TemplateError;

use super::value::Value;

/// A parsed template.
pub(crate) struct Template {
    /// What messages call it; most have no name.
    name: &'static str,
    source: String,
    tree: ListNode,
    defined: BTreeMap<String, ListNode>,
}

/// What a template does where a map has no such key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingKey {
    /// Print `<no value>`.
    NoValue,
    /// Fail: `map has no entry for key`.
    Error,
}

/// Which functions a run has: the usual ones, or those of a table's heading, which leave names alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Functions {
    /// Docker's functions.
    Usual,
    /// The same names, for the line of column titles.
    Heading,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// Go's sentence about the first mistake: `template: :1: unclosed action`.
    pub(crate) fn parse(source: &str) -> Result<Self, TemplateError> {
        Self::parse_named("", source)
    }

    /// Parses a template that has a name, which messages then show.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub(crate) fn parse_named(name: &'static str, source: &str) -> Result<Self, TemplateError> {
        let named = |error: TemplateError| {
            TemplateError(error.0.replacen("template: :", &format!("template: {name}:"), 1))
        };
        Self::parse_unnamed(source).map_err(named).map(|template| Self { name, ..template })
    }

    fn parse_unnamed(source: &str) -> Result<Self, TemplateError> {
        let parser = Parser::new(source, "{{", "}}").map_err(|cause| error::syntax(source, &cause))?;
        let (tree, defines) = parser.parse().map_err(|cause| error::syntax(source, &cause))?;
        let defined: BTreeMap<String, ListNode> =
            defines.into_iter().map(|define| (define.name.to_string(), define.body)).collect();
        blocks::check(source)?;
        functions::check_known(source, &tree)?;
        for body in defined.values() {
            functions::check_known(source, body)?;
        }
        Ok(Self { name: "", source: source.into(), tree, defined })
    }

    /// Runs the template over `data`.
    ///
    /// # Errors
    /// Go's sentence with the place: `template: :1:2: executing "" at <.X>: …`.
    pub(crate) fn run(
        &self,
        data: &Value,
        missing: MissingKey,
        set: Functions,
    ) -> Result<String, TemplateError> {
        let (text, result) = execute::run(self, data, missing, set);
        result.map(|()| text)
    }

    /// Runs the template and keeps what was written before a failure, as a command that writes
    /// straight to its output does.
    pub(crate) fn render_partly(&self, data: &Value) -> (String, Result<(), TemplateError>) {
        execute::run(self, data, MissingKey::NoValue, Functions::Usual)
    }

    /// Runs the template over a table's column titles. A failure only ends the line early, as in
    /// Docker, which ignores it.
    pub(crate) fn heading(&self, titles: &Value) -> String {
        execute::run(self, titles, MissingKey::NoValue, Functions::Heading).0
    }

    /// Runs the template as most commands do.
    ///
    /// # Errors
    /// As [`Template::run`].
    pub(crate) fn render(&self, data: &Value) -> Result<String, TemplateError> {
        self.run(data, MissingKey::NoValue, Functions::Usual)
    }
}

#[cfg(test)]
mod tests;
