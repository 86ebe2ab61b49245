//! The published endpoints of API 1.51 against the table of routes: none is forgotten unnoticed.

use crate::http::Router;
use crate::testing::FakeEngine;

/// Endpoints that have a route.
const SERVED: &[(&str, &str)] = &[
    ("GET", "/containers/json"),
    ("POST", "/containers/create"),
    ("GET", "/containers/{}/json"),
    ("GET", "/containers/{}/top"),
    ("GET", "/containers/{}/logs"),
    ("GET", "/containers/{}/changes"),
    ("GET", "/containers/{}/export"),
    ("GET", "/containers/{}/stats"),
    ("POST", "/containers/{}/resize"),
    ("POST", "/containers/{}/start"),
    ("POST", "/containers/{}/stop"),
    ("POST", "/containers/{}/restart"),
    ("POST", "/containers/{}/kill"),
    ("POST", "/containers/{}/update"),
    ("POST", "/containers/{}/rename"),
    ("POST", "/containers/{}/pause"),
    ("POST", "/containers/{}/unpause"),
    ("POST", "/containers/{}/attach"),
    ("GET", "/containers/{}/attach/ws"),
    ("POST", "/containers/{}/wait"),
    ("DELETE", "/containers/{}"),
    ("GET", "/containers/{}/archive"),
    ("HEAD", "/containers/{}/archive"),
    ("PUT", "/containers/{}/archive"),
    ("POST", "/containers/prune"),
    ("GET", "/images/json"),
    ("POST", "/build"),
    ("POST", "/build/prune"),
    ("POST", "/session"),
    ("POST", "/images/create"),
    ("GET", "/images/{}/json"),
    ("GET", "/images/{}/history"),
    ("POST", "/images/{}/push"),
    ("POST", "/images/{}/tag"),
    ("DELETE", "/images/{}"),
    ("GET", "/images/search"),
    ("POST", "/images/prune"),
    ("POST", "/auth"),
    ("GET", "/info"),
    ("GET", "/version"),
    ("GET", "/_ping"),
    ("HEAD", "/_ping"),
    ("POST", "/commit"),
    ("GET", "/events"),
    ("GET", "/system/df"),
    ("GET", "/images/{}/get"),
    ("GET", "/images/get"),
    ("POST", "/images/load"),
    ("POST", "/containers/{}/exec"),
    ("POST", "/exec/{}/start"),
    ("POST", "/exec/{}/resize"),
    ("GET", "/exec/{}/json"),
    ("GET", "/volumes"),
    ("POST", "/volumes/create"),
    ("GET", "/volumes/{}"),
    ("DELETE", "/volumes/{}"),
    ("POST", "/volumes/prune"),
    ("GET", "/networks"),
    ("GET", "/networks/{}"),
    ("DELETE", "/networks/{}"),
    ("POST", "/networks/create"),
    ("POST", "/networks/{}/connect"),
    ("POST", "/networks/{}/disconnect"),
    ("POST", "/networks/prune"),
    ("GET", "/plugins"),
    ("POST", "/plugins/pull"),
    ("GET", "/nodes"),
    ("GET", "/swarm"),
    ("POST", "/swarm/init"),
    ("POST", "/swarm/join"),
    ("GET", "/services"),
    ("POST", "/services/create"),
    ("GET", "/tasks"),
    ("GET", "/secrets"),
    ("POST", "/secrets/create"),
    ("GET", "/configs"),
    ("POST", "/configs/create"),
    ("GET", "/distribution/{}/json"),
];

/// Endpoints without one: swarm and plugins. They are unknown pages.
const WITHOUT: &[(&str, &str)] = &[
    ("PUT", "/volumes/{}"),
    ("GET", "/plugins/privileges"),
    ("GET", "/plugins/{}/json"),
    ("DELETE", "/plugins/{}"),
    ("POST", "/plugins/{}/enable"),
    ("POST", "/plugins/{}/disable"),
    ("POST", "/plugins/{}/upgrade"),
    ("POST", "/plugins/create"),
    ("POST", "/plugins/{}/push"),
    ("POST", "/plugins/{}/set"),
    ("GET", "/nodes/{}"),
    ("DELETE", "/nodes/{}"),
    ("POST", "/nodes/{}/update"),
    ("POST", "/swarm/leave"),
    ("POST", "/swarm/update"),
    ("GET", "/swarm/unlockkey"),
    ("POST", "/swarm/unlock"),
    ("GET", "/services/{}"),
    ("DELETE", "/services/{}"),
    ("POST", "/services/{}/update"),
    ("GET", "/services/{}/logs"),
    ("GET", "/tasks/{}"),
    ("GET", "/tasks/{}/logs"),
    ("GET", "/secrets/{}"),
    ("DELETE", "/secrets/{}"),
    ("POST", "/secrets/{}/update"),
    ("GET", "/configs/{}"),
    ("DELETE", "/configs/{}"),
    ("POST", "/configs/{}/update"),
];

/// A path with its placeholders emptied.
fn emptied(pattern: &str) -> String {
    let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn every_published_endpoint_is_served_or_listed_as_missing() {
    let router: Router<FakeEngine> = crate::routes::all();
    let table: Vec<(String, String)> =
        router.list().map(|(method, pattern)| (method.to_string(), emptied(pattern))).collect();
    let has = |method: &str, path: &str| table.iter().any(|(m, p)| m == method && p == path);
    for (method, path) in SERVED {
        assert!(has(method, path), "{method} {path} has lost its route");
    }
    for (method, path) in WITHOUT {
        assert!(!has(method, path), "{method} {path} has a route now: move it to the served ones");
    }
}
