//! `--docker key=value,…`: the engine of a context.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::config::contexts::Store;
use crate::failure::{Failure, Result};
use crate::flags::{FlagSet, comma_separated, parse_bool, quote};

/// What `create` and `update` say about the flag.
macro_rules! description {
    ($verb:literal, $command:literal) => {
        concat!(
            $verb,
            " a context\n\nDocker endpoint config:\n\n",
            "NAME                DESCRIPTION\n",
            "from                Copy named context's Docker endpoint configuration\n",
            "host                Docker endpoint on which to connect\n",
            "ca                  Trust certs signed only by this CA\n",
            "cert                Path to TLS certificate file\n",
            "key                 Path to TLS key file\n",
            "skip-tls-verify     Skip TLS certificate validation\n",
            "\nExample:\n\n$ docker context ",
            $command,
            " my-context --description \"some description\" --docker ",
            "\"host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file\""
        )
    };
}
pub(super) use description;

const KEYS: &[&str] = &["ca", "cert", "from", "host", "key", "skip-tls-verify"];
const FILES: &[(&str, &str)] = &[("ca", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem")];

/// The flag's pairs; none when it was not given.
#[derive(Default)]
pub(super) struct Flag(Option<BTreeMap<String, String>>);

/// An engine's endpoint and its certificate files.
pub(super) struct Chosen {
    pub(super) endpoint: Json,
    pub(super) certificates: Vec<(&'static str, Vec<u8>)>,
}

impl Flag {
    /// Binds the flag.
    pub(super) fn bind<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        let pairs = &mut self.0;
        flags
            .value("docker", "", "stringToString", "set the docker endpoint", move |text| {
                let map = pairs.get_or_insert_default();
                for pair in comma_separated(text)? {
                    let Some((key, value)) = pair.split_once('=') else {
                        return Err(format!("{pair} must be formatted as key=value"));
                    };
                    map.insert(key.into(), value.into());
                }
                Ok(())
            })
            .shown_default("[]");
    }

    /// Whether the flag was given.
    pub(super) fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// The endpoint that the pairs describe.
    pub(super) fn resolve(&self, store: &Store<'_>) -> Result<Chosen> {
        self.endpoint(store).map_err(|failure| failure.prefixed("unable to create docker endpoint config"))
    }

    fn endpoint(&self, store: &Store<'_>) -> Result<Chosen> {
        let empty = BTreeMap::new();
        let pairs = self.0.as_ref().unwrap_or(&empty);
        let unknown: Vec<String> = pairs
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()))
            .map(|key| format!("unrecognized config key: {key}"))
            .collect();
        if !unknown.is_empty() {
            return Err(Failure::message(unknown.join("\n")));
        }
        let value = |key: &str| pairs.get(key).map(String::as_str).unwrap_or_default();
        if let Some(name) = pairs.get("from") {
            let context = store.get(name)?;
            let Some(endpoint) = context.endpoints.get("docker") else {
                return Err(format!("unable to get endpoint from context {}", quote(name)).into());
            };
            return Ok(Chosen { endpoint: endpoint.clone(), certificates: Vec::new() });
        }
        let mut certificates = Vec::new();
        for (key, file) in FILES {
            if !value(key).is_empty() {
                let bytes = std::fs::read(value(key)).map_err(|error| {
                    format!("open {}: {}", value(key), crate::config::contexts::system_words(&error))
                })?;
                if *key == "ca" && !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
                    return Err(
                        "invalid docker endpoint options: failed to retrieve context tls info: ca.pem seems invalid".into()
                    );
                }
                certificates.push((*file, bytes));
            }
        }
        let skip = match pairs.get("skip-tls-verify") {
            Some(text) => parse_bool(text)
                .map_err(|_| format!("skip-tls-verify: parsing {}: invalid syntax", quote(text)))?,
            None => false,
        };
        if !value("host").is_empty() && !value("host").contains("://") {
            let host = value("host");
            return Err(format!(
                "unable to apply docker endpoint options: unable to parse docker host `{host}`"
            )
            .into());
        }
        let mut endpoint = json!({ "SkipTLSVerify": skip });
        if !value("host").is_empty() {
            endpoint["Host"] = value("host").into();
        }
        Ok(Chosen { endpoint, certificates })
    }
}
