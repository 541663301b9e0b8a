//! Every flow of the corpus, broken in thousands of ways that are the same in each run: compiling answers.

use std::fs;

use assay_engine::bundle::Bundle;
use assay_engine::compile::{compile, needed};
use assay_engine::diagnostics::Style;
use assay_engine::expr::{Evaluation, Program, Programs, Template};
use assay_engine::testing::TestTypes;

use crate::corpus::flows;

/// A small generator (xorshift): the same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

const PIECES: [&str; 28] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "${",
    "}",
    "\"",
    "'",
    "\n",
    "\n\n  ",
    "\t",
    "|",
    ">",
    "!!str ",
    "#",
    "null",
    "99999999999999999999",
    "..",
    "\u{0}",
    "ü",
    "steps",
    "needs: [a]",
    "---\n",
];

fn broken(text: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(text.len() + 1);
        match numbers.below(5) {
            0 => {
                let end = (at + numbers.below(20)).min(text.len());
                text.drain(at.min(end)..end);
            }
            1 => {
                let end = (at + numbers.below(60)).min(text.len());
                let copy = text[at.min(end)..end].to_vec();
                let to = numbers.below(text.len() + 1);
                text.splice(to..to, copy);
            }
            2 if at < text.len() => text[at] = numbers.below(256) as u8,
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())];
                text.splice(at..at, piece.bytes());
            }
        }
    }
    text
}

#[test]
fn no_broken_text_makes_compiling_panic() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let programs = Programs::default();
    let texts: Vec<Vec<u8>> = flows("ok").iter().chain(&flows("bad")).map(|path| fs::read(path).unwrap()).collect();
    for round in 0..1500 {
        let text = broken(&texts[round % texts.len()], &mut numbers);
        let bundle = Bundle::of_text("flow.yaml", &text);
        let _ = needed(&bundle);
        if let Err(found) = compile(&bundle, &TestTypes, &programs) {
            assert!(!found.is_empty(), "refused without a reason");
            assert!(found.render(Style::Colour).contains('\n'));
        }
    }
}

#[test]
fn no_broken_expression_makes_compiling_or_evaluating_panic() {
    let seeds = [
        "size(body.token) > 10 && status in [200, 201]",
        "items.filter(i, i.price * 2.5 >= 10).map(i, {'id': i.id, 'n': i.n + 1})",
        "has(a.b) ? a.b[0].c : [1, 2u, 3.0, 'x', b'\\x00', null][1]",
        "jsonpath(body, '$.a[*]').size() + timestamp('2026-01-01T00:00:00Z').getFullYear()",
        "cel.bind(x, uuid(), x.replace('-', '').split('').join('+').upperAscii())",
    ];
    let mut numbers = Numbers(0xD1B5_4A32_D192_ED03);
    for round in 0..6000 {
        let text = broken(seeds[round % seeds.len()].as_bytes(), &mut numbers);
        let text = String::from_utf8_lossy(&text);
        let mut cx = Evaluation::new("2026-01-01T00:00:00Z".parse().unwrap(), 7).with_budget(20_000);
        if let Ok(program) = Program::compile(&text, Default::default()) {
            let _ = program.evaluate(&(), &mut cx);
        }
        if let Ok(template) = Template::compile(&format!("a ${{{text}}} b")) {
            let _ = template.render(&(), &mut cx);
        }
    }
}
