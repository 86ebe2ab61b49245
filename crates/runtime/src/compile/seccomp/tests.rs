//! The filter against an interpreter of classic BPF.

use super::*;
use serde_json::json;

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
const X32: u32 = 1 << 30;

/// What the kernel would do: runs the program on a call.
fn run(program: &[u64], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let load = |offset: u32| match offset {
        0 => number,
        4 => architecture,
        16.. => {
            let argument = arguments[((offset - 16) / 8) as usize];
            if offset.is_multiple_of(8) { argument as u32 } else { (argument >> 32) as u32 }
        }
        _ => panic!("the offset {offset} is not read"),
    };
    let mut accumulator = 0;
    let mut at = 0;
    for _ in 0..program.len() {
        let packed = program[at];
        let (code, operand) = (packed as u16, (packed >> 32) as u32);
        let (if_true, if_false) = ((packed >> 16) as u8 as usize, (packed >> 24) as u8 as usize);
        let test = match code {
            0x20 => {
                accumulator = load(operand);
                at += 1;
                continue;
            }
            0x54 => {
                accumulator &= operand;
                at += 1;
                continue;
            }
            0x05 => {
                at += 1 + operand as usize;
                continue;
            }
            0x06 => return operand,
            0x15 => accumulator == operand,
            0x25 => accumulator > operand,
            0x35 => accumulator >= operand,
            0x45 => accumulator & operand != 0,
            other => panic!("the code {other:#x} is not used"),
        };
        at += 1 + if test { if_true } else { if_false };
    }
    panic!("the program does not end");
}

fn compiled(policy: serde_json::Value) -> Vec<u64> {
    let policy: LinuxSeccomp = serde_json::from_value(policy).unwrap();
    let program = compile(&policy).unwrap().unwrap().program;
    assert!(program.len() <= 4096, "the kernel takes 4096 instructions");
    program
}

fn compare(operator: &str, value: u64, two: u64, argument: u64) -> bool {
    let program = compiled(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{ "names": ["close"], "action": "SCMP_ACT_ALLOW", "args": [
            { "index": 1, "value": value, "valueTwo": two, "op": operator },
        ] }],
    }));
    match run(&program, X86_64, 3, [0, argument, 0, 0, 0, 0]) {
        ALLOW => true,
        answer => {
            assert_eq!(answer, ERRNO | 1);
            false
        }
    }
}

#[test]
fn every_comparison_is_one_of_64_bits() {
    let numbers = [0, 1, 5, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0005, 0x2_0000_0000, u64::MAX - 1, u64::MAX];
    for left in numbers {
        for right in numbers {
            assert_eq!(compare("SCMP_CMP_EQ", right, 0, left), left == right);
            assert_eq!(compare("SCMP_CMP_NE", right, 0, left), left != right);
            assert_eq!(compare("SCMP_CMP_LT", right, 0, left), left < right);
            assert_eq!(compare("SCMP_CMP_LE", right, 0, left), left <= right);
            assert_eq!(compare("SCMP_CMP_GE", right, 0, left), left >= right);
            assert_eq!(compare("SCMP_CMP_GT", right, 0, left), left > right);
            assert_eq!(compare("SCMP_CMP_MASKED_EQ", right, 5, left), left & right == 5 & right);
        }
    }
}

#[test]
fn the_modes_of_the_processor_are_kept_apart() {
    let all = compiled(json!({
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [{ "names": ["read", "rt_sigaction", "clone3"], "action": "SCMP_ACT_ALLOW" }],
    }));
    for (architecture, number, answer) in [
        (X86_64, 0, ALLOW),
        (X86_64, 3, ERRNO | 13),
        (X86_64, 436, ERRNO | 38),
        (I386, 3, ALLOW),
        (I386, 0, ERRNO | 13),
        (I386, 1000, ERRNO | 38),
        (X86_64, X32, ALLOW),
        (X86_64, X32 | 512, ALLOW),
        (X86_64, X32 | 13, ERRNO | 13),
        (X86_64, X32 | 513, ERRNO | 38),
        (0x1234, 0, 0),
    ] {
        assert_eq!(run(&all, architecture, number, [0; 6]), answer, "{architecture:#x} {number}");
    }
    let one = compiled(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{ "names": ["read"], "action": "SCMP_ACT_ALLOW" }],
    }));
    assert_eq!(run(&one, I386, 3, [0; 6]), 0, "a mode that is not listed ends the thread");
    assert_eq!(run(&one, X86_64, X32, [0; 6]), 0);
    assert_eq!(run(&one, X86_64, u32::MAX, [0; 6]), ERRNO | 1);
}

#[test]
fn rules_are_read_as_runc_reads_them() {
    let program = compiled(json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            { "names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [
                { "index": 0, "value": 40, "op": "SCMP_CMP_EQ" },
            ] },
            { "names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": [
                { "index": 0, "value": 1, "op": "SCMP_CMP_EQ" },
                { "index": 0, "value": 2, "op": "SCMP_CMP_EQ" },
            ] },
            { "names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [
                { "index": 0, "value": 1, "op": "SCMP_CMP_EQ" },
                { "index": 1, "value": 9, "op": "SCMP_CMP_EQ" },
            ] },
            { "names": ["no_such_call", "mount"], "action": "SCMP_ACT_KILL_PROCESS" },
        ],
    }));
    let call = |number, first, second| run(&program, X86_64, number, [first, second, 0, 0, 0, 0]);
    assert_eq!(call(41, 40, 0), ERRNO | 97);
    assert_eq!(call(41, 2, 0), ALLOW);
    assert_eq!((call(135, 1, 0), call(135, 2, 0), call(135, 3, 0)), (ERRNO | 1, ERRNO | 1, ALLOW));
    assert_eq!((call(62, 1, 9), call(62, 1, 8), call(62, 2, 9)), (ERRNO | 1, ALLOW, ALLOW));
    assert_eq!(call(165, 0, 0), 0x8000_0000);
    assert_eq!(call(9999, 0, 0), ALLOW, "a permissive policy stays so for new calls");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for wrong in [
        json!({ "defaultAction": "SCMP_ACT_NOTIFY" }),
        json!({ "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x" }),
        json!({ "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 5000 }),
        json!({ "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X"] }),
        json!({ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            { "names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [
                { "index": 6, "value": 1, "op": "SCMP_CMP_EQ" } ] } ] }),
    ] {
        let policy: LinuxSeccomp = serde_json::from_value(wrong.clone()).unwrap();
        assert!(compile(&policy).is_err(), "{wrong}");
    }
}
