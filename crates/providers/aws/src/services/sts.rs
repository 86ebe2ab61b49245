//! Who is asking.

use crate::client::{Api, Client, Form, Node};
use sampan_provider::Result;

const STS: Api = Api::query("sts", "2011-06-15");

impl Client {
    /// `Account`, `Arn` below it.
    pub(crate) async fn caller(&self) -> Result<Node> {
        self.query(STS, "GetCallerIdentity", Form::new()).await
    }
}
