//! From tokens to the syntax tree. Only brackets nest: chains of operators, of fields and methods, and of conditions
//! are loops here and lists in the tree, so a long text needs no deep stack. Nothing is read twice.

use std::ops::Range;
use std::sync::Arc;

use super::error::{ExprError, Limits};
use super::syntax::{Action, Form, Id, Link, Operator, Step, Syntax, Written};
use super::token::{Kind, Token, tokens};

/// Errors are boxed, and what does not recur stands in functions of its own: it keeps the frames of the recursion small.
pub(super) type Parsed<T> = Result<T, Box<ExprError>>;

pub(super) fn parse(text: &str, limits: Limits) -> Result<Syntax, ExprError> {
    if text.len() > limits.bytes {
        let message = format!("the expression is longer than {} bytes", limits.bytes);
        return Err(ExprError::new(message, limits.bytes..text.len()));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, nodes: Vec::new(), depth: 0, limits };
    let top = parser.expression().map_err(|error| *error)?.0;
    match parser.peek() {
        token if token.kind == Kind::End => Ok(Syntax { nodes: parser.nodes, top }),
        token => Err(*parser.unexpected(token, "an operator or the end")),
    }
}

pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    pub(super) at: usize,
    nodes: Vec<Written>,
    depth: usize,
    limits: Limits,
}

/// A node with its place including parentheses around it.
pub(super) type Placed = (Id, Range<usize>);

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Token {
        self.tokens.get(self.at).copied().unwrap_or(Token {
            kind: Kind::End,
            start: self.text.len(),
            end: self.text.len(),
        })
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    pub(super) fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    pub(super) fn eat(&mut self, sign: &'static str) -> bool {
        let found = self.peek().kind == Kind::Sign(sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Parsed<Token> {
        let token = self.next();
        if token.kind == Kind::Sign(sign) {
            return Ok(token);
        }
        Err(self.unexpected(token, &format!("`{sign}`")))
    }

    pub(super) fn unexpected(&self, token: Token, wanted: &str) -> Box<ExprError> {
        let range = token.start..token.end;
        if token.kind == Kind::End {
            return ExprError::new(format!("the expression ends where {wanted} is expected"), range).into();
        }
        let found = super::error::shortened(self.slice(token), 40);
        let error = ExprError::new(format!("`{found}` where {wanted} is expected"), range);
        Box::new(match found.as_str() {
            "and" => error.hint("write `&&`"),
            "or" => error.hint("write `||`"),
            "{" => error.hint("messages cannot be built here; a map is written `{'key': value}`"),
            _ => error,
        })
    }

    pub(super) fn add(&mut self, form: Form, range: Range<usize>) -> Placed {
        let id = Id(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Written { form, range: range.clone() });
        (id, range)
    }

    fn too_deep(&self, token: Token) -> Box<ExprError> {
        let message = format!("the expression is nested deeper than {} levels", self.limits.levels);
        Box::new(ExprError::new(message, token.start..token.end))
    }

    /// A whole expression: the one place that recurs, once for each bracket.
    pub(super) fn expression(&mut self) -> Parsed<Placed> {
        self.depth += 1;
        if self.depth > self.limits.levels {
            let token = self.peek();
            return Err(self.too_deep(token));
        }
        let first = self.operators()?;
        let start = first.1.start;
        let mut cases = Vec::new();
        let mut last = first;
        while self.eat("?") {
            let then = self.operators()?;
            self.expect(":")?;
            cases.push((last.0, then.0));
            last = self.operators()?;
        }
        self.depth -= 1;
        if cases.is_empty() {
            return Ok(last);
        }
        let otherwise = last.0;
        Ok(self.add(Form::Choose { cases, otherwise }, start..last.1.end))
    }

    /// Operands and binary operators, by precedence.
    fn operators(&mut self) -> Parsed<Placed> {
        let mut operands = vec![self.operand()?];
        let mut waiting: Vec<Operator> = Vec::new();
        loop {
            let operator = self.operator();
            let level = operator.map_or(0, Operator::level);
            while let Some(top) = waiting.pop_if(|top| top.level() >= level) {
                if let (Some(right), Some(left)) = (operands.pop(), operands.pop()) {
                    operands.push(self.join(left, top, right));
                }
            }
            let Some(operator) = operator else {
                break;
            };
            self.at += 1;
            waiting.push(operator);
            operands.push(self.operand()?);
        }
        operands.pop().ok_or_else(|| self.unexpected(self.peek(), "a value"))
    }

    fn operator(&self) -> Option<Operator> {
        match self.peek().kind {
            Kind::Sign(sign) => Operator::of(sign),
            Kind::Name if self.slice(self.peek()) == "in" => Some(Operator::In),
            _ => None,
        }
    }

    /// Joins two operands; a chain of the same precedence grows instead of nesting.
    fn join(&mut self, left: Placed, operator: Operator, right: Placed) -> Placed {
        let range = left.1.start..right.1.end;
        let link = Link { operator, right: right.0, end: right.1.end };
        if let Some(node) = self.nodes.get_mut(left.0.0 as usize) {
            let grown = match (&mut node.form, operator) {
                (Form::And(parts), Operator::And) | (Form::Or(parts), Operator::Or) => {
                    parts.push(right.0);
                    true
                }
                (Form::Chain { rest, level, .. }, _) if *level == operator.level() => {
                    rest.push(link);
                    true
                }
                _ => false,
            };
            if grown {
                node.range = range.clone();
                return (left.0, range);
            }
        }
        let form = match operator {
            Operator::And => Form::And(vec![left.0, right.0]),
            Operator::Or => Form::Or(vec![left.0, right.0]),
            _ => Form::Chain { first: left.0, rest: vec![link], level: operator.level() },
        };
        self.add(form, range)
    }

    /// A value with the signs before it and the fields, indexes and methods behind it.
    fn operand(&mut self) -> Parsed<Placed> {
        let start = self.peek().start;
        let mut nots = 0;
        while self.eat("!") {
            nots += 1;
        }
        if nots > 0 {
            let (of, range) = self.member(false)?;
            let odd = nots % 2 == 1;
            return Ok(self.add(Form::Not { of, odd }, start..range.end));
        }
        let mut minuses = 0;
        while self.eat("-") {
            minuses += 1;
        }
        let number = matches!(self.peek().kind, Kind::Int | Kind::Double);
        let negative = number && minuses > 0;
        minuses -= usize::from(negative);
        let (of, range) = self.member(negative)?;
        if minuses == 0 {
            return Ok((of, range));
        }
        let odd = minuses % 2 == 1;
        Ok(self.add(Form::Negate { of, odd }, start..range.end))
    }

    fn member(&mut self, negative: bool) -> Parsed<Placed> {
        let (base, range) = self.primary(negative)?;
        let mut steps = Vec::new();
        let mut end = range.end;
        loop {
            let step = if self.eat(".") {
                self.field()?
            } else if self.peek().kind == Kind::Sign("[") {
                let open = self.next();
                let optional = self.eat("?");
                let index = self.expression()?.0;
                let close = self.expect("]")?;
                Step { action: Action::Index { index, optional }, start: open.start, end: close.end }
            } else {
                break;
            };
            end = step.end;
            steps.push(step);
        }
        if steps.is_empty() {
            return Ok((base, range));
        }
        Ok(self.add(Form::Path { base, steps }, range.start..end))
    }

    /// What follows a dot.
    fn field(&mut self) -> Parsed<Step> {
        let optional = self.eat("?");
        let token = self.next();
        let name: Arc<str> = match token.kind {
            Kind::Name if !matches!(self.slice(token), "in" | "true" | "false" | "null") => self.slice(token).into(),
            Kind::Quoted => self.slice(token).trim_matches('`').into(),
            _ => return Err(self.no_field(token)),
        };
        if !optional && token.kind == Kind::Name && self.eat("(") {
            let (args, end) = self.arguments()?;
            let action = Action::Method { name, args };
            let start = token.start;
            return Ok(Step { action, start, end });
        }
        Ok(Step { action: Action::Field { name, optional }, start: token.start, end: token.end })
    }

    fn no_field(&self, token: Token) -> Box<ExprError> {
        let error = self.unexpected(token, "a field's name");
        if token.kind != Kind::Name {
            return error;
        }
        let hint = format!("write .`{}`", self.slice(token));
        Box::new(error.hint(hint))
    }

    /// Arguments up to the closing parenthesis, and where that ends.
    pub(super) fn arguments(&mut self) -> Parsed<(Vec<Id>, usize)> {
        let mut args = Vec::new();
        if self.peek().kind == Kind::Sign(")") {
            return Ok((args, self.next().end));
        }
        loop {
            args.push(self.expression()?.0);
            if !self.eat(",") {
                break;
            }
        }
        Ok((args, self.expect(")")?.end))
    }
}
