//! What the user's environment says about clouds, for the engine to use in one call.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::Map;
use std::path::Path;

/// The header: a JSON object of variables in URL-safe base64.
pub(crate) const ENVIRONMENT_HEADER: &str = "X-Sampan-Environment";

/// How the names of variables begin that are sent.
const PREFIXES: [&str; 6] = ["AWS_", "AZURE_", "GOOGLE_", "ALIBABA_CLOUD_", "KUBECONFIG", "SAMPAN_REGISTRY_"];

/// Files of the user that tools find without a variable, and the variable that names them to the engine, whose home is
/// another one.
const FILES: [(&str, &str); 4] = [
    ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
    ("AWS_CONFIG_FILE", ".aws/config"),
    ("KUBECONFIG", ".kube/config"),
    ("SAMPAN_REGISTRY_CONFIG", ".docker/config.json"),
];

/// The value of the `X-Sampan-Environment` header; empty when there is nothing to say. It holds secrets: it is sent to an
/// engine, and never shown.
pub(crate) fn environment_header() -> String {
    let home = std::env::var_os("HOME");
    let home = home.as_deref().map(Path::new);
    encoded(
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        home,
    )
}

fn encoded(variables: impl Iterator<Item = (String, String)>, home: Option<&Path>) -> String {
    let is_sent = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let mut all: Map<_, _> =
        variables.filter(|(name, _)| is_sent(name)).map(|(name, value)| (name, value.into())).collect();
    for (name, file) in FILES {
        let file = home.map(|home| home.join(file)).filter(|file| file.is_file());
        if let Some(text) = file.as_deref().and_then(Path::to_str)
            && !all.contains_key(name)
        {
            all.insert(name.to_owned(), text.into());
        }
    }
    if all.is_empty() { String::new() } else { URL_SAFE.encode(serde_json::Value::Object(all).to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_clouds_is_sent() {
        let home = tempfile::tempdir().expect("a folder");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(encoded([pair("PATH", "/bin")].into_iter(), Some(home.path())), "");
        std::fs::create_dir(home.path().join(".aws")).expect("a folder");
        std::fs::write(home.path().join(".aws/config"), "").expect("a file");
        let all = [pair("AWS_REGION", "here"), pair("KUBECONFIG", "/k"), pair("HOME", "/root")];
        let text = encoded(all.into_iter(), Some(home.path()));
        let sent: serde_json::Value =
            serde_json::from_slice(&URL_SAFE.decode(text).expect("base64")).expect("JSON");
        let config = home.path().join(".aws/config");
        assert_eq!(
            sent,
            serde_json::json!({"AWS_REGION": "here", "KUBECONFIG": "/k", "AWS_CONFIG_FILE": config})
        );
    }
}
