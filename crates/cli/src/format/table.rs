//! Lists of things through a format: `table …`, `json`, `raw` or any template, a line for each.
//!
//! A kind of thing is described once, as a slice of [`Column`]s: the name that templates use, the
//! title in a table and how to compute it. The order of columns does not matter; `json` sorts them.

use std::rc::Rc;

use super::json::{self, Html};
use super::tabwriter;
use super::template::{MissingKey, Template, TemplateError};
use super::value::{Member, Object, Value};

/// One field of a listed thing.
pub(crate) struct Column<T: 'static> {
    /// What a template calls it, such as `ID`.
    pub(crate) name: &'static str,
    /// The table's title; none for what Docker gives no title (a table then shows `<no value>`).
    pub(crate) title: Option<&'static str>,
    /// Computes the value; `Style` says whether it is to be shortened.
    pub(crate) value: fn(&T, Style) -> Value,
}

/// How the fields of a row are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Ids and long text are shortened.
    pub(crate) short: bool,
}

/// Everything that is said once about a kind of listed thing.
pub(crate) struct Kind<T: 'static> {
    /// The Go name of Docker's context type, for error messages.
    pub(crate) type_name: &'static str,
    /// The fields.
    pub(crate) columns: &'static [Column<T>],
    /// `{{.Label "key"}}`, where the thing has labels.
    pub(crate) label: Option<fn(&T, &str) -> String>,
}

/// One listed thing as an object of templates.
pub(crate) struct Row<T: 'static> {
    kind: &'static Kind<T>,
    item: Rc<T>,
    style: Style,
}

impl<T> Row<T> {
    /// A template's view of `item`.
    pub(crate) fn of(kind: &'static Kind<T>, item: T, style: Style) -> Value {
        Value::Object(Rc::new(Self { kind, item: Rc::new(item), style }))
    }
}

impl<T> Object for Row<T> {
    fn type_name(&self) -> String {
        self.kind.type_name.into()
    }

    fn member(&self, name: &str) -> Member {
        if let Some(column) = self.kind.columns.iter().find(|column| column.name == name) {
            return Member::Value((column.value)(&self.item, self.style));
        }
        if name == "Label" && self.kind.label.is_some() {
            return Member::Method(1);
        }
        if name == "FullHeader" || name == "Header" {
            return Member::Value(Value::Missing);
        }
        Member::Absent
    }

    fn call(&self, _name: &str, arguments: &[String]) -> Value {
        match (self.kind.label, arguments.first()) {
            (Some(label), Some(key)) => Value::from(label(&self.item, key)),
            _ => Value::Missing,
        }
    }

    fn has_methods(&self) -> bool {
        true
    }

    fn json(&self, _html: Html) -> String {
        let mut columns: Vec<&Column<T>> = self.kind.columns.iter().collect();
        columns.sort_by_key(|column| column.name);
        let mut out = String::from("{");
        for (index, column) in columns.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::string(&mut out, column.name, Html::Escaped);
            out.push(':');
            (column.value)(&self.item, self.style).write_json(&mut out, Html::Escaped);
        }
        out.push('}');
        out
    }

    fn text(&self) -> String {
        self.json(Html::Escaped)
    }
}

/// The titles of a table, as the template of its heading sees them.
struct Titles(Vec<(&'static str, &'static str)>);

impl Object for Titles {
    fn type_name(&self) -> String {
        "formatter.SubHeaderContext".into()
    }

    fn member(&self, name: &str) -> Member {
        if name == "Label" {
            return Member::Method(1);
        }
        let found = self.0.iter().find(|(known, _)| *known == name);
        Member::Value(found.map_or(Value::Missing, |(_, title)| (*title).into()))
    }

    fn call(&self, _name: &str, arguments: &[String]) -> Value {
        let last = arguments.first().and_then(|key| key.split('.').next_back()).unwrap_or_default();
        Value::from(last.replace(['-', '_'], " "))
    }

    fn json(&self, _html: Html) -> String {
        String::new()
    }

    fn text(&self) -> String {
        String::new()
    }
}

/// A format chosen by the user or by the command, ready to be filled.
pub(crate) struct Format {
    source: String,
}

impl Format {
    /// A format as a command has it after choosing its default: `table …`, `json` or a template.
    pub(crate) fn new(source: impl Into<String>) -> Self {
        Self { source: source.into() }
    }

    /// Whether the output is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.source.starts_with("table")
    }

    /// The format's text.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The template behind the format: without `table`, spaces trimmed, `\t` and `\n` made real.
    ///
    /// # Errors
    /// The template's mistake, after `template parsing error: `.
    pub(crate) fn template(&self) -> Result<Template, TemplateError> {
        let text = if self.is_table() {
            &self.source["table".len()..]
        } else if self.source == "json" {
            "{{json .}}"
        } else {
            &self.source
        };
        let text = text.trim_matches(' ').replace("\\t", "\t").replace("\\n", "\n");
        Template::parse(&text).map_err(context)
    }

    /// Renders the things, with the heading of a table.
    ///
    /// # Errors
    /// The template's mistake; nothing is printed then.
    pub(crate) fn render<T>(
        &self,
        kind: &'static Kind<T>,
        items: Vec<T>,
        style: Style,
    ) -> Result<String, TemplateError> {
        self.render_rows(kind, items.into_iter().map(|item| Row::of(kind, item, style)))
    }

    /// As [`Format::render`], for rows that were made already.
    ///
    /// # Errors
    /// The template's mistake; nothing is printed then.
    pub(crate) fn render_rows<T>(
        &self,
        kind: &'static Kind<T>,
        rows: impl IntoIterator<Item = Value>,
    ) -> Result<String, TemplateError> {
        let template = self.template()?;
        let mut lines = String::new();
        for row in rows {
            lines.push_str(&render_row(&template, &row)?);
            lines.push('\n');
        }
        Ok(if self.is_table() { self.with_heading(&template, kind, &lines) } else { lines })
    }

    fn with_heading<T>(&self, template: &Template, kind: &'static Kind<T>, lines: &str) -> String {
        let titles =
            kind.columns.iter().filter_map(|column| column.title.map(|title| (column.name, title))).collect();
        let heading = template.heading(&Value::Object(Rc::new(Titles(titles))));
        tabwriter::align(&format!("{heading}\n{lines}"), tabwriter::TABLE)
    }
}

/// Renders one row; a failure carries Docker's prefix.
///
/// # Errors
/// The template's mistake, after `template parsing error: `.
pub(crate) fn render_row(template: &Template, row: &Value) -> Result<String, TemplateError> {
    template.run(row, MissingKey::NoValue, super::template::Functions::Usual).map_err(context)
}

fn context(error: TemplateError) -> TemplateError {
    TemplateError(format!("template parsing error: {error}"))
}
