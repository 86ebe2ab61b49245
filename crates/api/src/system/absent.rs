//! Docker's endpoints that this engine does not have: each says so, instead of an unknown page.

use crate::http::{Call, Outcome, Route, get, post, reply};
use sampan_error::{Error, Kind, Result};

/// Their routes.
pub(super) fn routes<E: Send + Sync + 'static>() -> Vec<Route<E>> {
    vec![
        // Portainer and others ask for plugins to know what they may offer: there are none.
        get("/plugins", |call| Box::pin(no_plugins(call))),
        get("/swarm", |call| Box::pin(no_swarm(call))),
        get("/nodes", |call| Box::pin(no_swarm(call))),
        get("/services", |call| Box::pin(no_swarm(call))),
        get("/tasks", |call| Box::pin(no_swarm(call))),
        get("/secrets", |call| Box::pin(no_swarm(call))),
        get("/configs", |call| Box::pin(no_swarm(call))),
        post("/swarm/init", |call| Box::pin(never(call, "swarm mode"))),
        post("/swarm/join", |call| Box::pin(never(call, "swarm mode"))),
        post("/services/create", |call| Box::pin(never(call, "swarm mode"))),
        post("/secrets/create", |call| Box::pin(never(call, "swarm mode"))),
        post("/configs/create", |call| Box::pin(never(call, "swarm mode"))),
        post("/plugins/pull", |call| Box::pin(never(call, "an engine plugin"))),
        get("/containers/{id}/attach/ws", |call| Box::pin(later(call, "attaching by WebSocket"))),
    ]
}

async fn no_plugins<E>(_call: Call<E>) -> Result<Outcome> {
    Ok(reply::ok(&Vec::<String>::new())?.into())
}

async fn no_swarm<E>(_call: Call<E>) -> Result<Outcome> {
    Err(Error::new(
        Kind::Unavailable,
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
    ))
}

async fn never<E>(_call: Call<E>, what: &str) -> Result<Outcome> {
    Err(Error::not_implemented(format!("{what} is nothing that Sampan has")))
}

async fn later<E>(_call: Call<E>, what: &str) -> Result<Outcome> {
    Err(Error::not_implemented(format!("{what} is not part of this version of Sampan yet")))
}
