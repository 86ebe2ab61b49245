//! The run itself: engines started, scenarios measured in turn, samples collected.

use crate::arguments::Arguments;
use crate::engine::Engine;
use crate::report::{Report, Row};
use crate::scenarios::{ALL, Scenario};

/// Measures every wanted scenario on every engine. An engine that fails a scenario is reported on standard
/// error and left out of that row; an engine that does not start ends the run.
pub(crate) fn compare(arguments: &Arguments) -> Result<Report, String> {
    let mut engines = Vec::new();
    for name in &arguments.engines {
        eprintln!("starting {name}");
        engines.push(Engine::start(name)?);
    }
    let mut rows = Vec::new();
    for scenario in ALL.iter().filter(|scenario| arguments.wants(scenario.name)) {
        eprintln!("{}", scenario.name);
        let repeat = (scenario.repeat * arguments.repeat).div_ceil(100);
        rows.push(Row { scenario: *scenario, samples: measure(scenario, &mut engines, repeat) });
    }
    Ok(Report { engines: engines.iter().map(|engine| engine.name.clone()).collect(), rows })
}

/// One row: A B A B, after one round of each that does not count.
fn measure(scenario: &Scenario, engines: &mut [Engine], repeat: usize) -> Vec<Vec<f64>> {
    let mut samples: Vec<Vec<f64>> = engines.iter().map(|_| Vec::new()).collect();
    let mut broken: Vec<bool> = engines.iter().map(|engine| failed((scenario.prepare)(engine))).collect();
    let rounds = if repeat > 1 { repeat + 1 } else { repeat };
    for round in 0..rounds {
        for (number, engine) in engines.iter_mut().enumerate() {
            if broken[number] {
                continue;
            }
            match (scenario.measure)(engine) {
                Ok(Some(sample)) if round > 0 || rounds == 1 => samples[number].push(sample),
                Ok(_) => {}
                Err(reason) => broken[number] = failed(Err(reason)),
            }
        }
    }
    for (number, engine) in engines.iter().enumerate() {
        if failed((scenario.clean)(engine)) || broken[number] {
            samples[number].clear();
        }
    }
    samples
}

fn failed(outcome: Result<(), String>) -> bool {
    if let Err(reason) = &outcome {
        eprintln!("  {reason}");
    }
    outcome.is_err()
}
