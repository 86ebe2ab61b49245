//! From tables to classic BPF (Documentation/networking/filter.rst, seccomp(2)).
//!
//! Every piece of code ends with a return, so pieces can be put after each other, and a jump only ever skips
//! forward over whole pieces.

use super::policy::{Answer, Condition, KILL_THREAD, Mode, ModeTable, Operator, Outcome, Tables, UNKNOWN};

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
const JUMP_BITS_SET: u16 = 0x45;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;

// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

const AUDIT_X86_64: u32 = 0xc000_003e;
const AUDIT_I386: u32 = 0x4000_0003;
const MIXED_BIT: u32 = 1 << 30;

type Code = Vec<u64>;

/// An instruction as `sampan_sys::seccomp::install` takes it.
fn instruction(code: u16, if_true: u8, if_false: u8, operand: u32) -> u64 {
    u64::from(code) | u64::from(if_true) << 16 | u64::from(if_false) << 24 | u64::from(operand) << 32
}

fn answer(answer: Answer) -> u64 {
    instruction(RETURN, 0, 0, answer)
}

/// `then` where the test holds, else `otherwise`, however long they are.
fn branch(code: u16, operand: u32, then: Code, otherwise: Code) -> Code {
    let mut whole = Code::with_capacity(then.len() + otherwise.len() + 2);
    match u8::try_from(otherwise.len()) {
        Ok(length) => whole.push(instruction(code, length, 0, operand)),
        Err(_) => {
            whole.push(instruction(code, 0, 1, operand));
            whole.push(instruction(JUMP, 0, 0, otherwise.len() as u32));
        }
    }
    whole.extend(otherwise);
    whole.extend(then);
    whole
}

/// The program.
pub(super) fn assemble(tables: &Tables) -> Code {
    let of = |mode| tables.modes.iter().find(|table| table.mode == mode);
    let refuse = || vec![answer(KILL_THREAD)];
    let short = of(Mode::Short).map_or_else(refuse, |table| mode(table, tables.default));
    let long = of(Mode::Long).map_or_else(refuse, |table| mode(table, tables.default));
    let long = match of(Mode::Mixed) {
        Some(table) => branch(JUMP_BITS_SET, MIXED_BIT, mode(table, tables.default), long),
        // -1 is how a tracer skips a call; it is no call of x32 and takes the way of all others.
        None => {
            let minus_one = branch(JUMP_EQUAL, u32::MAX, vec![answer(tables.default)], refuse());
            branch(JUMP_BITS_SET, MIXED_BIT, minus_one, long)
        }
    };
    let mut program = vec![instruction(LOAD, 0, 0, ARCHITECTURE)];
    let with_number = |code: Code| {
        let mut whole = vec![instruction(LOAD, 0, 0, NUMBER)];
        whole.extend(code);
        whole
    };
    let others = branch(JUMP_EQUAL, AUDIT_I386, with_number(short), refuse());
    program.extend(branch(JUMP_EQUAL, AUDIT_X86_64, with_number(long), others));
    program
}

/// One mode, with the number in the accumulator.
fn mode(table: &ModeTable, default: Answer) -> Code {
    let bit = if table.mode == Mode::Mixed { MIXED_BIT } else { 0 };
    let default = Outcome::Always(default);
    // Ranges of numbers with the same outcome: where each begins.
    let mut ranges: Vec<(u32, &Outcome)> = vec![(0, &default)];
    let mut push = |start: u32, outcome| {
        if ranges.last().is_some_and(|(begin, _)| *begin == start) {
            ranges.pop();
        }
        if ranges.last().is_none_or(|(_, last)| *last != outcome) {
            ranges.push((start, outcome));
        }
    };
    for (number, outcome) in &table.outcomes {
        let number = number | bit;
        push(number, outcome);
        push(number + 1, &default);
    }
    let known = search(&ranges, &default);
    match table.newest {
        None => known,
        Some(newest) => branch(JUMP_GREATER, newest | bit, vec![answer(UNKNOWN)], known),
    }
}

/// A binary search over the ranges.
fn search(ranges: &[(u32, &Outcome)], default: &Outcome) -> Code {
    match ranges {
        [] => outcome(default, default),
        [(_, single)] => outcome(single, default),
        _ => {
            let (left, right) = ranges.split_at(ranges.len() / 2);
            branch(JUMP_GREATER_OR_EQUAL, right[0].0, search(right, default), search(left, default))
        }
    }
}

fn outcome(outcome: &Outcome, default: &Outcome) -> Code {
    let fallback = match default {
        Outcome::Always(fallback) => *fallback,
        Outcome::Depends(_) => KILL_THREAD,
    };
    match outcome {
        Outcome::Always(always) => vec![answer(*always)],
        Outcome::Depends(list) => {
            let mut code = Code::new();
            for (conditions, found) in list {
                code.extend(when_all(conditions, *found));
            }
            code.push(answer(fallback));
            code
        }
    }
}

/// Returns `found` when all conditions hold, else falls through to what follows.
fn when_all(conditions: &[Condition], found: Answer) -> Code {
    // Built from the back: each condition must know how far it is to the end.
    let mut code = vec![answer(found)];
    for condition in conditions.iter().rev() {
        let mut whole = compare(condition, code.len() as u8);
        whole.extend(code);
        code = whole;
    }
    code
}

/// Tests one argument, high half first: falls through when the condition holds, else skips `rest` more.
fn compare(condition: &Condition, rest: u8) -> Code {
    let offset = ARGUMENTS + 8 * condition.index;
    let (high, low) = ((condition.value >> 32) as u32, condition.value as u32);
    let (mask_high, mask_low) = ((condition.mask >> 32) as u32, condition.mask as u32);
    let load_high = instruction(LOAD, 0, 0, offset + 4);
    let load_low = instruction(LOAD, 0, 0, offset);
    let equal = |if_true, if_false, operand| instruction(JUMP_EQUAL, if_true, if_false, operand);
    match condition.operator {
        Operator::Equal => {
            vec![load_high, equal(0, rest + 2, high), load_low, equal(0, rest, low)]
        }
        Operator::NotEqual => {
            vec![load_high, equal(0, 2, high), load_low, equal(rest, 0, low)]
        }
        Operator::MaskedEqual => vec![
            load_high,
            instruction(AND, 0, 0, mask_high),
            equal(0, rest + 3, high),
            load_low,
            instruction(AND, 0, 0, mask_low),
            equal(0, rest, low),
        ],
        Operator::GreaterOrEqual | Operator::Greater => {
            let test =
                if condition.operator == Operator::Greater { JUMP_GREATER } else { JUMP_GREATER_OR_EQUAL };
            vec![
                load_high,
                instruction(JUMP_GREATER, 3, 0, high),
                equal(0, rest + 2, high),
                load_low,
                instruction(test, 0, rest, low),
            ]
        }
        Operator::Less | Operator::LessOrEqual => {
            let test =
                if condition.operator == Operator::Less { JUMP_GREATER_OR_EQUAL } else { JUMP_GREATER };
            vec![
                load_high,
                instruction(JUMP_GREATER, rest + 3, 0, high),
                equal(0, 2, high),
                load_low,
                instruction(test, rest, 0, low),
            ]
        }
    }
}
