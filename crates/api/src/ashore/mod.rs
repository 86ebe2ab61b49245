//! Containers at other places: routes of our own. `docs/api.json` describes them.

pub(crate) mod backend;
mod documents;
mod engine;
mod moves;
mod push;
mod services;
mod targets;
mod wire;

pub use backend::SimulationState;
pub use engine::{Answer as SimulatorAnswer, Simulator, install_simulator};

use crate::http::{Route, delete, get, post};

/// All routes about targets and what lives there.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![
        get("/sampan/targets", |call| Box::pin(targets::list(call))),
        post("/sampan/targets", |call| Box::pin(targets::create(call))),
        get("/sampan/targets/{target}", |call| Box::pin(targets::inspect(call))),
        delete("/sampan/targets/{target}", |call| Box::pin(targets::remove(call))),
        get("/sampan/targets/{target}/check", |call| Box::pin(targets::check(call))),
        post("/sampan/targets/{target}/check", |call| Box::pin(targets::try_it(call))),
        get("/sampan/targets/{target}/resources", |call| Box::pin(targets::resources(call))),
        get("/sampan/targets/{target}/services", |call| Box::pin(services::list(call))),
        get("/sampan/targets/{target}/services/{name}", |call| Box::pin(services::inspect(call))),
        delete("/sampan/targets/{target}/services/{name}", |call| Box::pin(services::remove(call))),
        get("/sampan/targets/{target}/services/{name}/instances", |call| Box::pin(services::instances(call))),
        get("/sampan/targets/{target}/services/{name}/logs", |call| Box::pin(services::logs(call))),
        get("/sampan/targets/{target}/services/{name}/usage", |call| Box::pin(services::usage(call))),
        post("/sampan/targets/{target}/services/{name}/start", |call| Box::pin(services::start(call))),
        post("/sampan/targets/{target}/services/{name}/stop", |call| Box::pin(services::stop(call))),
        post("/sampan/targets/{target}/services/{name}/rollback", |call| Box::pin(services::roll_back(call))),
        post("/sampan/targets/{target}/services/{name}/scale", |call| Box::pin(services::scale(call))),
        post("/sampan/targets/{target}/services/{name}/autoscale", |call| {
            Box::pin(services::autoscale(call))
        }),
        get("/sampan/containers/{name}/documents", |call| Box::pin(documents::documents(call))),
        post("/sampan/containers/{name}/push", |call| Box::pin(push::push(call))),
        post("/sampan/targets/{target}/services/{name}/update", |call| Box::pin(moves::update(call))),
        post("/sampan/containers/{name}/move", |call| Box::pin(moves::start(call))),
        post("/sampan/containers/{name}/standby", |call| Box::pin(moves::standby(call))),
        post("/sampan/leases/{name}", |call| Box::pin(moves::lease(call))),
        get("/sampan/containers/{name}/place", |call| Box::pin(moves::place(call))),
        get("/sampan/moved", |call| Box::pin(moves::list(call))),
        get("/sampan/cloudsim", |call| Box::pin(targets::simulation(call))),
        post("/sampan/cloudsim", |call| Box::pin(targets::simulate(call))),
        delete("/sampan/cloudsim", |call| Box::pin(targets::end_simulation(call))),
    ]
}
