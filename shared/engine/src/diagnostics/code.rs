//! Every code that a diagnostic can have. Each has a page of its name under `docs/errors`.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The flow cannot run.
    Error,
    /// The flow runs; perhaps not as it was meant.
    Warning,
}

impl Severity {
    /// The word that people and machines read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($severity:ident $name:ident $text:literal $summary:literal;)*) => {
        /// The kind of a problem; its text never changes once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $summary] $name,)*
        }

        impl Code {
            /// All codes, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as users read it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it means, in one line.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary),* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }
        }
    };
}

codes! {
    // the text
    Error NotUtf8 "not-utf8" "The file is not UTF-8 text.";
    Error TooLarge "too-large" "The text is larger than a flow may be.";
    Error TooDeep "too-deep" "Lists and maps are nested too deep.";
    Error TooManyAliases "too-many-aliases" "The aliases stand for too many values.";
    Error ControlCharacter "control-character" "The text holds a character that cannot be seen.";
    Error BadSyntax "bad-syntax" "The text is neither YAML nor JSON.";
    Error TabIndent "tab-indent" "A line is indented with a tab.";
    Error DuplicateKey "duplicate-key" "A key stands twice in one map.";
    Error MergeKey "merge-key" "`<<` does not merge maps here.";
    Error BadKey "bad-key" "A key is not a plain text.";
    Error UnknownTag "unknown-tag" "A YAML tag that does not belong to the core schema.";
    Error NumberRange "number-range" "A number that does not fit.";
    Error SeveralDocuments "several-documents" "A file holds more than one document.";
    Error EmptyFile "empty-file" "There is nothing in the file.";
    Error UnknownAlias "unknown-alias" "An alias names an anchor that does not exist.";
    // the shape
    Error UnknownKey "unknown-key" "A key that this place does not take.";
    Error MissingKey "missing-key" "A key that must be given is not.";
    Error WrongType "wrong-type" "A value of another type than this place takes.";
    Error InvalidValue "invalid-value" "A value that this place does not take.";
    Error NotOneOf "not-one-of" "A word that is none of those known here.";
    Error BadName "bad-name" "A name with characters that names cannot have.";
    Error ReservedName "reserved-name" "A name that already means something else.";
    Error BadDuration "bad-duration" "A text that is no duration.";
    Error LiteralOnly "literal-only" "A template where only a literal can stand.";
    Error NoSteps "no-steps" "A flow without steps.";
    Error TooManySteps "too-many-steps" "A flow with more steps than one may have.";
    // steps
    Error UnknownType "unknown-type" "A step type that does not exist.";
    Error DuplicateId "duplicate-id" "Two steps have the same id.";
    Error KeyNotTaken "key-not-taken" "A shared key that this step type does not take.";
    Error UnknownStep "unknown-step" "A step that does not exist.";
    Error Cycle "cycle" "Steps that need each other in a circle.";
    Error NeedsFinally "needs-finally" "A need between the main steps and `finally`.";
    Error TwoLooks "two-looks" "`eventually` and `throughout` on one step.";
    Error LooksOnWaiting "looks-on-waiting" "`eventually` or `throughout` on a step that waits by itself.";
    Error CannotArm "cannot-arm" "`armBefore` on a step type that cannot be armed.";
    Error ArmNotNeeded "arm-not-needed" "`armBefore` names a step that is not needed.";
    Error ArmForeach "arm-foreach" "`armBefore` together with `foreach`.";
    Error ArmNamesLater "arm-names-later" "An armed step's `with` names what is not known when it is armed.";
    Error UnknownResource "unknown-resource" "A resource that is not declared.";
    Error ResourceType "resource-type" "A resource of another type than the step's.";
    Error TooManyItems "too-many-items" "A list with more items than an execution may have instances.";
    Error NeedsTimeout "needs-timeout" "A wait longer than the execution may take.";
    // expressions
    Error BadExpression "bad-expression" "A text that is no expression.";
    Error BareExpression "bare-expression" "`${...}` around an expression that stands bare.";
    Error UnknownName "unknown-name" "A name that has no meaning in this expression.";
    Error UnknownInput "unknown-input" "An input that is not declared.";
    Error UnknownVar "unknown-var" "A var that is not declared.";
    Error UnknownSecret "unknown-secret" "A secret that is not declared.";
    Error UnknownCapture "unknown-capture" "A value that the step does not capture.";
    Error UnknownOutput "unknown-output" "A field that the step's output does not have.";
    Error NotANeed "not-a-need" "An expression names a step that may not have run.";
    Error DynamicPath "dynamic-path" "A path that is only known at run time.";
    Error VarCycle "var-cycle" "Vars that name each other in a circle.";
    Error SecretHere "secret-here" "A secret where its value would be needed outside a step.";
    Error StatusFunction "status-function" "A function that only `if` may ask.";
    // files, environment, places
    Error MissingFile "missing-file" "A file that does not exist.";
    Error OutsideFolder "outside-folder" "A path that leaves the flow's folder.";
    Error BadData "bad-data" "A file that cannot be read as what it is used for.";
    Error FileTooLarge "file-too-large" "A file that is too large to be put into a step.";
    Error MissingEnv "missing-env" "An environment variable that is not set.";
    Error ServerOnly "not-on-server" "Something that only works on the user's own machine.";
    Error FlowCycle "flow-cycle" "Flows that start each other in a circle.";
    Error FlowsTooDeep "flows-too-deep" "Sub-flows nested too deep.";
    Error UnknownFlowInput "unknown-flow-input" "An input that the sub-flow does not have.";
    // warnings
    Warning NoAssertion "no-assertion" "A step that passes whatever is answered.";
    Warning UnusedSecret "unused-secret" "A secret that nothing names.";
    Warning UnusedInput "unused-input" "An input that nothing names.";
    Warning LooksWithoutAssertion "looks-without-assertion" "A step that looks again and asserts nothing.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Every code with what it means, in the order of the reference.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    Code::ALL.iter().map(|code| (code.as_str(), code.summary()))
}
