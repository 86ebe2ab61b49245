//! Which device nodes a container may use: a list of rules on v1, a BPF program on v2.

use std::os::fd::AsFd;
use std::path::Path;

use super::write;
use crate::error::{During, Result};
use crate::plan::{DeviceKind, DeviceRule};

/// Writes the rules in order; the kernel keeps them as a default and its exceptions.
pub(super) fn apply_v1(path: &Path, rules: &[DeviceRule]) -> Result<()> {
    for rule in rules {
        let file = if rule.allow { "devices.allow" } else { "devices.deny" };
        write(path, file, line(rule))?;
    }
    Ok(())
}

fn line(rule: &DeviceRule) -> String {
    let kind = match rule.kind {
        DeviceKind::All | DeviceKind::Fifo => return "a".to_owned(),
        DeviceKind::Block => 'b',
        DeviceKind::Character => 'c',
    };
    let number = |value: Option<u32>| value.map_or_else(|| "*".to_owned(), |value| value.to_string());
    let mut line = format!("{kind} {}:{} ", number(rule.major), number(rule.minor));
    for (letter, present) in [('r', rule.read), ('w', rule.write), ('m', rule.mknod)] {
        if present {
            line.push(letter);
        }
    }
    line
}

/// Attaches a program that knows the rules, and takes off the programs that were there before.
pub(super) fn apply_v2(path: &Path, rules: &[DeviceRule]) -> Result<()> {
    use rustix::fs::{Mode, OFlags};
    let what = || format!("set the device rules of {}", path.display());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty()).during(what)?;
    let program = sampan_sys::bpf::load_device_program(&compile(rules)).during(what)?;
    let before = sampan_sys::bpf::device_programs(directory.as_fd()).during(what)?;
    sampan_sys::bpf::attach_device_program(directory.as_fd(), program.as_fd()).during(what)?;
    for old in before {
        sampan_sys::bpf::detach_device_program(directory.as_fd(), old.as_fd()).during(what)?;
    }
    Ok(())
}

// Registers of the program below.
const RESULT: u8 = 0;
const SCRATCH: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

// Operation codes of eBPF (Documentation/bpf/standardization/instruction-set.rst).
const LOAD_WORD: u8 = 0x61;
const MOVE_IMMEDIATE: u8 = 0xb4;
const MOVE_REGISTER: u8 = 0xbc;
const AND_IMMEDIATE: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const JUMP_IF_NOT_IMMEDIATE: u8 = 0x56;
const JUMP_IF_NOT_REGISTER: u8 = 0x5e;
const JUMP_IF_IMMEDIATE: u8 = 0x16;
const EXIT: u8 = 0x95;

const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
const MAKE_NODE: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;

/// An instruction as `struct bpf_insn` lies in memory.
fn instruction(code: u8, target: u8, source: u8, offset: i16, immediate: i32) -> u64 {
    u64::from(code)
        | u64::from(target) << 8
        | u64::from(source) << 12
        | u64::from(offset as u16) << 16
        | u64::from(immediate as u32) << 32
}

/// The program: rules are tried from the last to the first, and the first that matches decides.
/// It reads `struct bpf_cgroup_dev_ctx`: access and kind in one word, then major, then minor.
fn compile(rules: &[DeviceRule]) -> Vec<u64> {
    let mut program = vec![
        instruction(LOAD_WORD, KIND, SCRATCH, 0, 0),
        instruction(MOVE_REGISTER, ACCESS, KIND, 0, 0),
        instruction(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        instruction(AND_IMMEDIATE, KIND, 0, 0, 0xffff),
        instruction(LOAD_WORD, MAJOR, SCRATCH, 4, 0),
        instruction(LOAD_WORD, MINOR, SCRATCH, 8, 0),
    ];
    for rule in rules.iter().rev() {
        let block = block(rule);
        let decides_all = block.len() == 2;
        program.extend(block);
        // The verifier refuses what can never be reached.
        if decides_all {
            return program;
        }
    }
    program.push(instruction(MOVE_IMMEDIATE, RESULT, 0, 0, 0));
    program.push(instruction(EXIT, 0, 0, 0, 0));
    program
}

/// One rule: tests that jump behind the block when they fail, then the answer.
fn block(rule: &DeviceRule) -> Vec<u64> {
    let mut tests: Vec<(u8, u8, u8, i32)> = Vec::new();
    let all = matches!(rule.kind, DeviceKind::All | DeviceKind::Fifo);
    if !all {
        let kind = if rule.kind == DeviceKind::Block { BLOCK } else { CHARACTER };
        tests.push((JUMP_IF_NOT_IMMEDIATE, KIND, 0, kind));
    }
    let mut mask = 0;
    for (bit, present) in [(READ, rule.read), (WRITE, rule.write), (MAKE_NODE, rule.mknod)] {
        mask |= if present { bit } else { 0 };
    }
    let mut block = Vec::new();
    if !all && mask != READ | WRITE | MAKE_NODE {
        tests.push((MOVE_REGISTER, SCRATCH, ACCESS, 0));
        tests.push((AND_IMMEDIATE, SCRATCH, 0, mask));
        // What is allowed must cover all that is asked for; what is denied, any of it.
        if rule.allow {
            tests.push((JUMP_IF_NOT_REGISTER, SCRATCH, ACCESS, 0));
        } else {
            tests.push((JUMP_IF_IMMEDIATE, SCRATCH, 0, 0));
        }
    }
    if let Some(major) = rule.major.filter(|_| !all) {
        tests.push((JUMP_IF_NOT_IMMEDIATE, MAJOR, 0, major as i32));
    }
    if let Some(minor) = rule.minor.filter(|_| !all) {
        tests.push((JUMP_IF_NOT_IMMEDIATE, MINOR, 0, minor as i32));
    }
    let length = tests.len() + 2;
    for (index, (code, target, source, immediate)) in tests.into_iter().enumerate() {
        let jumps = matches!(code, JUMP_IF_NOT_IMMEDIATE | JUMP_IF_NOT_REGISTER | JUMP_IF_IMMEDIATE);
        let offset = if jumps { (length - index - 1) as i16 } else { 0 };
        block.push(instruction(code, target, source, offset, immediate));
    }
    block.push(instruction(MOVE_IMMEDIATE, RESULT, 0, 0, i32::from(rule.allow)));
    block.push(instruction(EXIT, 0, 0, 0, 0));
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(allow: bool, kind: DeviceKind, major: Option<u32>, access: &str) -> DeviceRule {
        DeviceRule {
            allow,
            kind,
            major,
            minor: None,
            read: access.contains('r'),
            write: access.contains('w'),
            mknod: access.contains('m'),
        }
    }

    #[test]
    fn rules_are_written_as_v1_wants_them() {
        assert_eq!(line(&rule(false, DeviceKind::All, None, "rwm")), "a");
        assert_eq!(line(&rule(true, DeviceKind::Character, Some(1), "rm")), "c 1:* rm");
    }

    #[test]
    fn the_kernel_accepts_the_program() {
        let rules = [
            rule(false, DeviceKind::All, None, "rwm"),
            rule(true, DeviceKind::Character, Some(1), "rm"),
            rule(false, DeviceKind::Block, Some(8), "w"),
        ];
        // The lab's own root may load programs; the verifier checks every path through it.
        sampan_sys::bpf::load_device_program(&compile(&rules)).unwrap();
    }
}
