//! Parameters of services that speak queries: flat names such as `Tags.member.1.Key`.

/// The parameters of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub(crate) fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.0.push((name.into(), value.to_string()));
        self
    }

    /// A list: `PREFIX.1`, `PREFIX.2`, ….
    pub(crate) fn list(self, prefix: &str, values: &[String]) -> Self {
        values
            .iter()
            .enumerate()
            .fold(self, |form, (at, value)| form.with(format!("{prefix}.{}", at + 1), value))
    }

    /// Pairs: `PREFIX.1.Key`, `PREFIX.1.Value`, ….
    pub(crate) fn tags(self, prefix: &str, tags: &[(String, String)]) -> Self {
        tags.iter().enumerate().fold(self, |form, (at, (key, value))| {
            let name = format!("{prefix}.{}", at + 1);
            form.with(format!("{name}.Key"), key).with(format!("{name}.Value"), value)
        })
    }

    /// The request's body.
    pub(super) fn encode(self, operation: &str, version: &str) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.append_pair("Action", operation).append_pair("Version", version);
        text.extend_pairs(self.0).finish()
    }
}
