//! From tokens to the tree of a path.

use super::super::error::Fault;
use super::calls::Call;
use super::token::{Token, bad};

#[derive(Debug)]
pub(super) enum Expr {
    Text(String),
    Number(f64),
    /// Operators of one precedence, from left to right.
    Chain(Box<Expr>, Vec<(Operator, Expr)>),
    Negate(Box<Expr>),
    Call(Call, Vec<Expr>),
    Path(Path),
}

#[derive(Debug)]
pub(super) struct Path {
    pub(super) start: Start,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Start {
    Root,
    Here,
    /// `(expression)[...]/...`
    Of(Box<Expr>, Vec<Expr>),
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) axis: Axis,
    pub(super) test: Test,
    pub(super) predicates: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Parent,
    Ancestor,
    AncestorOrSelf,
    Following,
    Preceding,
    FollowingSibling,
    PrecedingSibling,
    Attribute,
    Itself,
}

const AXES: [(&str, Axis); 12] = [
    ("child", Axis::Child),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("parent", Axis::Parent),
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("following", Axis::Following),
    ("preceding", Axis::Preceding),
    ("following-sibling", Axis::FollowingSibling),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("attribute", Axis::Attribute),
    ("self", Axis::Itself),
];

#[derive(Debug)]
pub(super) enum Test {
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
    /// Prefix and local name; none stands for any.
    Named(Option<String>, Option<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Union,
}

/// Operators by precedence, the loosest first; names are operators only where an operator can stand.
const LEVELS: [&[(&str, Operator)]; 7] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::NotEqual)],
    &[("<=", Operator::LessEqual), (">=", Operator::GreaterEqual), ("<", Operator::Less), (">", Operator::Greater)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("div", Operator::Divide), ("mod", Operator::Remainder)],
    &[("|", Operator::Union)],
];

/// The level below which a minus may stand.
const UNION: usize = 6;

/// Deepest nesting of brackets.
const DEEPEST: usize = 16;

pub(super) fn parse(tokens: Vec<Token>) -> Result<Expr, Fault> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let expr = parser.expression()?;
    if parser.at < parser.tokens.len() {
        return Err(bad("something follows its end"));
    }
    Ok(expr)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is(&self, ahead: usize, sign: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Sign(found)) if *found == sign)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(0, sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.eat(sign) {
            return Ok(());
        }
        Err(bad(&format!("`{sign}` is missing")))
    }

    fn expression(&mut self) -> Result<Expr, Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(bad("it is nested too deeply"));
        }
        let expr = self.level(0);
        self.depth -= 1;
        expr
    }

    fn level(&mut self, level: usize) -> Result<Expr, Fault> {
        let Some(operators) = LEVELS.get(level) else {
            return self.path();
        };
        if level == UNION && self.eat("-") {
            let mut odd = true;
            while self.eat("-") {
                odd = !odd;
            }
            let of = self.level(UNION)?;
            let negated = Expr::Negate(Box::new(of));
            return Ok(if odd { negated } else { Expr::Negate(Box::new(negated)) });
        }
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator(operators) {
            self.at += 1;
            rest.push((operator, self.level(level + 1)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn operator(&self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let word = match self.peek()? {
            Token::Sign(sign) => sign,
            Token::Name(name) => name.as_str(),
            _ => return None,
        };
        operators.iter().find(|(known, _)| *known == word).map(|(_, operator)| *operator)
    }

    fn path(&mut self) -> Result<Expr, Fault> {
        let mut steps = Vec::new();
        let start = if self.eat("//") {
            steps.push(any_below());
            self.step(&mut steps)?;
            Start::Root
        } else if self.eat("/") {
            if self.starts_step() {
                self.step(&mut steps)?;
            }
            Start::Root
        } else if self.starts_step() {
            self.step(&mut steps)?;
            Start::Here
        } else {
            let primary = self.primary()?;
            let predicates = self.predicates()?;
            if predicates.is_empty() && !self.is(0, "/") && !self.is(0, "//") {
                return Ok(primary);
            }
            Start::Of(Box::new(primary), predicates)
        };
        loop {
            if self.eat("//") {
                steps.push(any_below());
            } else if steps.is_empty() && matches!(start, Start::Root) || !self.eat("/") {
                return Ok(Expr::Path(Path { start, steps }));
            }
            self.step(&mut steps)?;
        }
    }

    /// Whether a step, and not a literal or a call, starts here.
    fn starts_step(&self) -> bool {
        match self.peek() {
            Some(Token::Name(name)) => {
                let kind = matches!(name.as_str(), "node" | "text" | "comment" | "processing-instruction");
                kind || !self.is(1, "(")
            }
            Some(Token::Sign("." | ".." | "@" | "*")) => true,
            _ => false,
        }
    }

    fn step(&mut self, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let (axis, test) = if self.eat("..") {
            (Axis::Parent, Test::Node)
        } else if self.eat(".") {
            (Axis::Itself, Test::Node)
        } else {
            let axis = self.axis()?;
            (axis, self.test()?)
        };
        let predicates = self.predicates()?;
        steps.push(Step { axis, test, predicates });
        Ok(())
    }

    fn axis(&mut self) -> Result<Axis, Fault> {
        if self.eat("@") {
            return Ok(Axis::Attribute);
        }
        if !self.is(1, "::") {
            return Ok(Axis::Child);
        }
        let Some(Token::Name(name)) = self.peek() else {
            return Err(bad("an axis has no name"));
        };
        let axis = AXES.iter().find(|(known, _)| known == name).map(|(_, axis)| *axis);
        let axis = axis.ok_or_else(|| bad(&format!("there is no axis `{name}`")))?;
        self.at += 2;
        Ok(axis)
    }

    fn test(&mut self) -> Result<Test, Fault> {
        if self.eat("*") {
            return Ok(Test::Named(None, None));
        }
        let Some(Token::Name(name)) = self.peek().cloned() else {
            return Err(bad("a step has no name"));
        };
        self.at += 1;
        if !self.eat("(") {
            let (prefix, local) = match name.split_once(':') {
                Some((prefix, local)) => (Some(prefix.to_owned()), local),
                None => (None, name.as_str()),
            };
            return Ok(Test::Named(prefix, (local != "*").then(|| local.to_owned())));
        }
        let test = match name.as_str() {
            "node" => Test::Node,
            "text" => Test::Text,
            "comment" => Test::Comment,
            "processing-instruction" => match self.peek().cloned() {
                Some(Token::Text(target)) => {
                    self.at += 1;
                    Test::Instruction(Some(target))
                }
                _ => Test::Instruction(None),
            },
            _ => return Err(bad("a function cannot be a step")),
        };
        self.expect(")")?;
        Ok(test)
    }

    fn predicates(&mut self) -> Result<Vec<Expr>, Fault> {
        let mut predicates = Vec::new();
        while self.eat("[") {
            predicates.push(self.expression()?);
            self.expect("]")?;
        }
        Ok(predicates)
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let token = self.peek().cloned().ok_or_else(|| bad("it ends too early"))?;
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign(sign) => Err(bad(&format!("`{sign}` stands where a value is expected"))),
            Token::Name(name) => {
                self.expect("(")?;
                let mut args = Vec::new();
                while !self.is(0, ")") {
                    args.push(self.expression()?);
                    if !self.eat(",") {
                        break;
                    }
                }
                self.expect(")")?;
                let call = Call::find(&name, args.len())?;
                Ok(Expr::Call(call, args))
            }
        }
    }
}

/// The step that `//` stands for.
fn any_below() -> Step {
    Step { axis: Axis::DescendantOrSelf, test: Test::Node, predicates: Vec::new() }
}
