//! What `inspect` prints of one or more objects: JSON, or a template over each.

use super::json;
use super::template::{Functions, MissingKey, Template, TemplateError};
use super::value::Value;

/// Collects objects and prints them together.
pub(crate) struct Inspector {
    mode: Mode,
}

enum Mode {
    /// Documents, indented or not.
    Json { documents: Vec<String>, indented: bool },
    /// What the template gave so far.
    Template { template: Template, out: String },
}

/// One object that was asked for.
pub(crate) struct Inspected {
    /// As Docker's type of it: what a template sees first.
    pub(crate) typed: Value,
    /// The engine's own answer: what is printed without a template, and what a template is given when
    /// it asks for something that the type does not have.
    pub(crate) document: String,
    /// The document came from an engine and may know more than the type does.
    pub(crate) from_engine: bool,
}

impl Inspector {
    /// An inspector for the value of `--format`.
    ///
    /// # Errors
    /// The template's mistake, after `template parsing error: `.
    pub(crate) fn new(format: &str) -> Result<Self, TemplateError> {
        let mode = match format {
            "" => Mode::Json { documents: Vec::new(), indented: true },
            "json" => Mode::Json { documents: Vec::new(), indented: false },
            source => {
                Mode::Template { template: Template::parse(source).map_err(context)?, out: String::new() }
            }
        };
        Ok(Self { mode })
    }

    /// Adds an object.
    ///
    /// # Errors
    /// The template fails on the type and on the document: the second failure.
    pub(crate) fn add(&mut self, object: Inspected) -> Result<(), TemplateError> {
        match &mut self.mode {
            Mode::Json { documents, .. } => documents.push(object.document),
            Mode::Template { template, out } => {
                let text = match template.render(&object.typed) {
                    Err(_) if object.from_engine => from_document(template, &object.document)?,
                    shown => shown.map_err(context)?,
                };
                out.push_str(&text);
                out.push('\n');
            }
        }
        Ok(())
    }

    /// The whole output.
    pub(crate) fn finish(self) -> String {
        match self.mode {
            Mode::Json { documents, .. } if documents.is_empty() => "[]\n".into(),
            Mode::Json { documents, indented } => {
                let list = format!("[{}]", documents.join(","));
                let mut text = if indented { json::indent(&list, "", "    ") } else { json::compact(&list) };
                text.push('\n');
                text
            }
            Mode::Template { out, .. } if out.is_empty() => "\n".into(),
            Mode::Template { out, .. } => out,
        }
    }
}

fn from_document(template: &Template, document: &str) -> Result<String, TemplateError> {
    let parsed: serde_json::Value = serde_json::from_str(document)
        .map_err(|error| TemplateError(format!("unable to read inspect data: {error}")))?;
    template.run(&Value::untyped(&parsed), MissingKey::Error, Functions::Usual).map_err(context)
}

fn context(error: TemplateError) -> TemplateError {
    TemplateError(format!("template parsing error: {error}"))
}
