//! Measures each operation of container networking, in a network namespace of its own. Needs root.
//!
//! `cargo run --release -p sampan-network --example measure`

use std::error::Error;
use std::time::{Duration, Instant};

use sampan_network::{
    BindingRequest, EndpointRequest, HostPort, Manager, ManagerConfig, Protocol, PublishRequest, Records,
    Sandbox, SandboxPool,
};
use sampan_sys::namespace::{Namespaces, unshare};

const ROUNDS: u16 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    // This thread is the only one, so the whole process moves.
    unshare(Namespaces::NETWORK)?;
    let mut table = Table::default();
    let config = ManagerConfig::new("0123abcd0123", true);
    let records = Records::default();
    let manager = table.time("open, first", || Manager::open(config.clone(), &records))?;
    drop(manager);
    let manager = table.time("open, again", || Manager::open(config.clone(), &records))?;
    let pool = SandboxPool::new("0123abcd0123", 8, 1500)?;
    for round in 0..ROUNDS {
        measure_one(&mut table, &manager, &pool, round)?;
    }
    for round in 0..5 {
        measure_range(&mut table, &manager, round)?;
    }
    table.time("reconcile, all well", || manager.reconcile())?;
    table.time("warnings", || Ok::<_, sampan_network::NetworkError>(manager.warnings()))?;
    manager.teardown()?;
    table.print();
    Ok(())
}

fn request(round: u16) -> EndpointRequest {
    EndpointRequest {
        endpoint_id: format!("{round:064x}"),
        container_id: format!("{round:064x}"),
        default_route: [true; 2],
        ..EndpointRequest::default()
    }
}

fn binding(port: u16, container_port: u16) -> BindingRequest {
    BindingRequest {
        protocol: Protocol::Tcp,
        container_port,
        host_ip: None,
        host_port: HostPort::Fixed(port),
    }
}

/// One container with one published port.
fn measure_one(
    table: &mut Table,
    manager: &Manager,
    pool: &SandboxPool,
    round: u16,
) -> Result<(), Box<dyn Error>> {
    drop(table.time("sandbox, made", || Sandbox::create("0123abcd0123", 1500))?);
    drop(table.time("sandbox without a link, made", Sandbox::create_isolated)?);
    pool.refill()?;
    let sandbox = table.time("sandbox, from the pool", || pool.take())?;
    let endpoint = table.time("connect", || manager.connect(&sandbox, "bridge", &request(round)))?;
    let bindings = vec![binding(20_000 + round, 80)];
    let publish = PublishRequest { endpoint: endpoint.clone(), bindings };
    let published = table.time("publish one TCP port", || manager.publish(&publish))?;
    table.time("statistics", || manager.statistics(&endpoint))?;
    table.time("unpublish", || manager.unpublish(&published.record))?;
    let mut udp = publish.clone();
    udp.bindings[0].protocol = Protocol::Udp;
    let published = table.time("publish one UDP port", || manager.publish(&udp))?;
    manager.unpublish(&published.record)?;
    table.time("disconnect", || manager.disconnect(&endpoint))?;
    table.time("sandbox, dropped", || {
        drop(sandbox);
        Ok::<_, std::io::Error>(())
    })?;
    Ok(())
}

/// 100 and 10,000 ports at once.
fn measure_range(table: &mut Table, manager: &Manager, round: u16) -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::create("0123abcd0123", 1500)?;
    let endpoint = manager.connect(&sandbox, "bridge", &request(round))?;
    for (name, count) in [("100 ports", 100), ("10,000 ports", 10_000)] {
        let bindings = (0..count).map(|index| binding(30_000 + index, 30_000 + index)).collect();
        let request = PublishRequest { endpoint: endpoint.clone(), bindings };
        let published = table.time(&format!("publish {name}"), || manager.publish(&request))?;
        table.time(&format!("unpublish {name}"), || manager.unpublish(&published.record))?;
    }
    manager.disconnect(&endpoint)?;
    Ok(())
}

#[derive(Default)]
struct Table(Vec<(String, Vec<Duration>)>);

impl Table {
    fn time<T, E>(&mut self, name: &str, action: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let start = Instant::now();
        let result = action();
        let taken = start.elapsed();
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, times)) => times.push(taken),
            None => self.0.push((name.to_owned(), vec![taken])),
        }
        result
    }

    fn print(&mut self) {
        println!("{:<32} {:>10} {:>10} {:>10}", "operation", "median µs", "least", "most");
        for (name, times) in &mut self.0 {
            times.sort();
            let micros = |index: usize| times[index].as_secs_f64() * 1e6;
            let last = times.len() - 1;
            println!("{name:<32} {:>10.0} {:>10.0} {:>10.0}", micros(last / 2), micros(0), micros(last));
        }
    }
}
