"""Functions in a small subset of Python as C: numbers, flat arrays of doubles, loops and choices.

A name is an array if it is annotated so (or is one of `ARRAYS`), a double if it is ever given one, and an
integer otherwise; truth values are integers. Anything outside the subset is an error here, not in C.
"""

from __future__ import annotations

import ast
import math

ARRAYS = {"w": "double *", "fixed": "const double *", "q": "double *", "r": "double *"}
ARRAYS |= dict.fromkeys(("problem", "nodes", "rules", "rule", "part"), "const double *")
ANNOTATED = {
    "Numbers": "double *",
    "int": "long long",
    "bool": "long long",
    "float": "double",
    "None": "void",
}

BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.BitAnd: "&", ast.BitOr: "|",
    ast.BitXor: "^", ast.RShift: ">>", ast.LShift: "<<",
}  # fmt: skip
COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
DOUBLES = {"abs": "fabs", "sqrt": "sqrt", "exp": "exp", "log": "log", "expm1": "expm1"}
CHOSEN = {"min": "<", "max": ">"}

HELPERS = """\
PREFIX double smaller(double a, double b) { return b < a ? b : a; }
PREFIX double larger(double a, double b) { return b > a ? b : a; }
"""


class Translator:
    """Translates functions one after the other; later ones may call earlier ones.

    Parameters
    ----------
    constants : dict
        Numbers that the functions call by name.
    prefix : str
        What every function's declaration begins with.
    number : {"double", "float"}
        What numbers are.
    """

    def __init__(self, constants: dict[str, int | float], prefix: str, number: str = "double") -> None:
        self.constants = {**constants, "inf": math.inf, "nan": math.nan}
        self.prefix = prefix
        self.number = number
        self.returns: dict[str, str] = {}
        self.kinds: dict[str, str] = {}

    def helpers(self) -> str:
        """Return the functions that every translation needs."""
        return HELPERS.replace("PREFIX", self.prefix)

    def function(self, text: str) -> str:
        """Return one function in C."""
        tree = ast.parse(text).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise TypeError(f"not a function: {text.splitlines()[0]}")
        parameters = {a.arg: self._parameter(a) for a in tree.args.args}
        result = ANNOTATED[ast.unparse(tree.returns)] if tree.returns is not None else "void"
        self.returns[tree.name] = result
        self.kinds = dict(parameters)
        body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
        while self._settle_kinds(body):
            pass
        local = [f"    {kind} {name};" for name, kind in self.kinds.items() if name not in parameters]
        head = ", ".join(f"{kind} {name}" for name, kind in parameters.items())
        lines = [f"{self.prefix} {result} {tree.name}({head})", "{", *local, *self._block(body, 1), "}", ""]
        written = "\n".join(lines)
        return written if self.number == "double" else written.replace("double", self.number)

    def _parameter(self, argument: ast.arg) -> str:
        if argument.arg in ARRAYS:
            return ARRAYS[argument.arg]
        return ANNOTATED[ast.unparse(argument.annotation)] if argument.annotation is not None else "long long"

    def _settle_kinds(self, body: list[ast.stmt]) -> bool:
        """Note what kind each local name has; return whether anything is new."""
        before = dict(self.kinds)
        for node in (n for statement in body for n in ast.walk(statement)):
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                self.kinds.setdefault(node.target.id, "long long")
            if isinstance(node, (ast.Assign, ast.AugAssign)):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name):
                    kind = self._kind(node.value)
                    if self.kinds.get(target.id, "long long") == "long long":
                        self.kinds[target.id] = kind
        return before != self.kinds

    def _kind(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=value):
                return "double" if isinstance(value, float) else "long long"
            case ast.Name(id=name):
                if name in self.constants:
                    return "double" if isinstance(self.constants[name], float) else "long long"
                return self.kinds.get(name, "long long")
            case ast.Subscript(value=array, slice=ast.Slice()):
                return self._kind(array)
            case ast.Subscript() | ast.BinOp(op=ast.Div()):
                return "double"
            case ast.BinOp(left=a, right=b) | ast.IfExp(body=a, orelse=b):
                return "double" if "double" in (self._kind(a), self._kind(b)) else "long long"
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return self._kind(a)
            case ast.Call(func=ast.Name(id=name)):
                return "double" if name in DOUBLES or name in CHOSEN else self.returns.get(name, "long long")
        return "long long"

    def _block(self, body: list[ast.stmt], depth: int) -> list[str]:
        lines: list[str] = []
        for statement in body:
            lines += [("    " * depth) + line for line in self._statement(statement)]
        return lines

    def _statement(self, node: ast.stmt) -> list[str]:
        match node:
            case ast.Assign(targets=[target], value=value):
                return [f"{self.expression(target)} = {self.expression(value)};"]
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in BINARY:
                return [f"{self.expression(target)} {BINARY[type(op)]}= {self.expression(value)};"]
            case ast.Return(value=value):
                return [f"return {self.expression(value)};" if value is not None else "return;"]
            case ast.Expr(value=ast.Call() as call):
                return [f"{self.expression(call)};"]
            case ast.Pass():
                return [";"]
            case ast.While(test=test, body=body, orelse=[]):
                return [f"while ({self.expression(test)}) {{", *self._block(body, 1), "}"]
            case ast.If(test=test, body=body, orelse=others):
                lines = [f"if ({self.expression(test)}) {{", *self._block(body, 1), "}"]
                return [*lines, "else {", *self._block(others, 1), "}"] if others else lines
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=limits), body=body, orelse=[]):
                first, last, step = self._limits(limits)
                until = ">" if step.startswith("-") or step.startswith("(-") else "<"
                head = f"for ({name} = {first}; {name} {until} {last}; {name} += {step}) {{"
                return [head, *self._block(body, 1), "}"]
        raise TypeError(f"no C for: {ast.unparse(node)}")

    def _limits(self, limits: list[ast.expr]) -> tuple[str, str, str]:
        written = [self.expression(limit) for limit in limits]
        if len(written) == 1:
            return "0", written[0], "1"
        return written[0], written[1], written[2] if len(written) == 3 else "1"

    def expression(self, node: ast.expr) -> str:
        """Return an expression in C."""
        match node:
            case ast.Constant(value=value):
                return _number(value)
            case ast.Name(id=name):
                return _number(self.constants[name]) if name in self.constants else name
            case ast.Subscript(value=array, slice=ast.Slice(lower=first, upper=None)) if first is not None:
                return f"({self.expression(array)} + {self.expression(first)})"
            case ast.Subscript(value=array, slice=index):
                return f"{self.expression(array)}[{self.expression(index)}]"
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                return f"((double){self.expression(a)} / (double){self.expression(b)})"
            case ast.BinOp(left=a, op=op, right=b) if type(op) in BINARY:
                return f"({self.expression(a)} {BINARY[type(op)]} {self.expression(b)})"
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return f"(-{self.expression(a)})"
            case ast.UnaryOp(op=ast.Not(), operand=a):
                return f"(!{self.expression(a)})"
            case ast.BoolOp(op=op, values=values):
                return (
                    "("
                    + (" && " if isinstance(op, ast.And) else " || ").join(map(self.expression, values))
                    + ")"
                )
            case ast.Compare(left=a, ops=[op], comparators=[b]) if type(op) in COMPARED:
                return f"({self.expression(a)} {COMPARED[type(op)]} {self.expression(b)})"
            case ast.IfExp(test=test, body=a, orelse=b):
                return f"({self.expression(test)} ? {self.expression(a)} : {self.expression(b)})"
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, [self.expression(a) for a in args])
        raise TypeError(f"no C for: {ast.unparse(node)}")

    def _call(self, name: str, args: list[str]) -> str:
        if name == "int":
            return f"((long long){args[0]})"
        if name in CHOSEN:
            result, chosen = args[0], "smaller" if name == "min" else "larger"
            for value in args[1:]:
                result = f"{chosen}({result}, {value})"
            return result
        if name not in DOUBLES and name not in self.returns:
            raise TypeError(f"no C for: {name}()")
        return f"{DOUBLES.get(name, name)}({', '.join(args)})"


def plain(tree: ast.AST) -> str:
    """Return a function's text without annotations, which name what a printed module does not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in node.args.args:
                argument.annotation = None
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _number(value: object) -> str:
    """Return a number's literal; infinity and NaN as expressions that every compiler knows."""
    if isinstance(value, (bool, int)):
        return str(int(value)) if value >= 0 else f"({int(value)})"
    if not isinstance(value, float):
        raise TypeError(f"no C for: {value!r}")
    if math.isnan(value):
        return "((1e308 * 10.0) - (1e308 * 10.0))"
    if math.isinf(value):
        return "(1e308 * 10.0)" if value > 0 else "(-1e308 * 10.0)"
    return repr(value) if value >= 0 else f"({value!r})"
