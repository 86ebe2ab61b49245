//! The address flags of `docker network create`, and which of them belong together.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value as Json, json};

use super::super::pairs::map_entry;
use crate::failure::Result;
use crate::flags::FlagSet;

/// The flags.
pub(super) struct Options {
    auxiliary: BTreeMap<String, String>,
    driver: String,
    gateways: Vec<String>,
    options: BTreeMap<String, String>,
    ranges: Vec<String>,
    subnets: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            auxiliary: BTreeMap::new(),
            driver: "default".into(),
            gateways: Vec::new(),
            options: BTreeMap::new(),
            ranges: Vec::new(),
            subnets: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Pool {
    range: Option<String>,
    gateway: Option<String>,
    auxiliary: BTreeMap<String, String>,
}

impl Options {
    /// Binds the flags.
    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.driver, "ipam-driver", "", "IP Address Management Driver");
        flags.strings(
            &mut self.subnets,
            "subnet",
            "",
            "Subnet in CIDR format that represents a network segment",
        );
        flags.strings(&mut self.ranges, "ip-range", "", "Allocate container ip from a sub-range");
        flags.strings(&mut self.gateways, "gateway", "", "IPv4 or IPv6 Gateway for the master subnet");
        let auxiliary = &mut self.auxiliary;
        flags
            .value(
                "aux-address",
                "",
                "map",
                "Auxiliary IPv4 or IPv6 addresses used by Network driver",
                |text| map_entry(auxiliary, text),
            )
            .shown_default("map[]");
        let options = &mut self.options;
        flags
            .value("ipam-opt", "", "map", "Set IPAM driver specific options", |text| map_entry(options, text))
            .shown_default("map[]");
    }

    /// The API's `IPAM`: each range, gateway and auxiliary address with the subnet it lies in.
    pub(super) fn configuration(&self) -> Result<Json> {
        if self.subnets.len() < self.ranges.len() || self.subnets.len() < self.gateways.len() {
            return Err("every ip-range or gateway must have a corresponding subnet".into());
        }
        let mut pools: Vec<(&str, Pool)> = Vec::new();
        for subnet in &self.subnets {
            for (other, _) in &pools {
                if contains(subnet, other)? || contains(other, subnet)? {
                    return Err("multiple overlapping subnet configuration is not supported".into());
                }
            }
            pools.push((subnet, Pool::default()));
        }
        for range in &self.ranges {
            if parse(range).is_none() {
                return Err(format!("invalid CIDR address: {range}").into());
            }
            let (subnet, pool) = pool_of(&mut pools, range, "range")?;
            if let Some(first) = pool.range.replace(range.clone()) {
                return Err(format!(
                    "cannot configure multiple ranges ({range}, {first}) on the same subnet ({subnet})"
                )
                .into());
            }
        }
        for gateway in &self.gateways {
            let (subnet, pool) = pool_of(&mut pools, gateway, "gateway")?;
            if let Some(first) = pool.gateway.replace(gateway.clone()) {
                return Err(format!(
                    "cannot configure multiple gateways ({gateway}, {first}) for the same subnet ({subnet})"
                )
                .into());
            }
        }
        for (name, address) in &self.auxiliary {
            let (_, pool) = pool_of(&mut pools, address, "aux-address")?;
            pool.auxiliary.insert(name.clone(), address.clone());
        }
        let configuration: Vec<Json> = pools.into_iter().map(|(subnet, pool)| pool.json(subnet)).collect();
        Ok(json!({ "Driver": self.driver, "Options": self.options, "Config": configuration }))
    }
}

impl Pool {
    fn json(self, subnet: &str) -> Json {
        let mut json = json!({ "Subnet": subnet });
        if let Some(range) = self.range {
            json["IPRange"] = range.into();
        }
        if let Some(gateway) = self.gateway {
            json["Gateway"] = gateway.into();
        }
        if !self.auxiliary.is_empty() {
            json["AuxiliaryAddresses"] = json!(self.auxiliary);
        }
        json
    }
}

fn pool_of<'a, 'b>(
    pools: &'a mut [(&'b str, Pool)],
    address: &str,
    what: &str,
) -> Result<(&'b str, &'a mut Pool)> {
    for (subnet, pool) in pools {
        if contains(subnet, address)? {
            return Ok((subnet, pool));
        }
    }
    Err(format!("no matching subnet for {what} {address}").into())
}

/// Whether an address or the first address of a network lies in a subnet.
fn contains(subnet: &str, address: &str) -> Result<bool> {
    let Some((network, length)) = parse(subnet) else {
        return Err(format!("invalid subnet: invalid CIDR address: {subnet}").into());
    };
    let address = if address.contains('/') {
        match parse(address) {
            Some((address, _)) => address,
            None => return Err(format!("invalid CIDR address: {address}").into()),
        }
    } else {
        match address.parse() {
            Ok(address) => address,
            Err(_) => return Ok(false),
        }
    };
    Ok(match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        _ => false,
    })
}

fn parse(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((address, length))
}
