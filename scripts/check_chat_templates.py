#!/usr/bin/env python3
"""Compares Lockstep's chat templates with transformers' on template files, or on random templates.

Needs transformers or jinja2 >= 3.1.6; run from the repository's root:

    swift build -c release --product template-probe
    python3 scripts/check_chat_templates.py [FILE.jinja ...] [--fuzz N] [--seed S]

Each file is rendered for conversations with and without a system message, with and without a prompt for
an answer; what one side refuses, the other must refuse, too. With transformers, the characters that
{% generation %} marks must be the same, by which it makes its return_assistant_tokens_mask. --fuzz makes N random templates of the
constructs that chat templates have. Status 1 where something differs. Lockstep refuses what it lacks when
it reads a template: such random templates are counted, and do not differ.
"""

import argparse
import copy
import datetime
import itertools
import json
import pathlib
import random
import subprocess
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

DATE = datetime.datetime(2026, 11, 28)


def compiled_as_transformers(source, date):
    """The template as transformers compiles it, with another clock; and what it tracks."""
    from transformers.utils import chat_template_utils

    template = chat_template_utils._compile_jinja_template(source)
    template.environment.globals["strftime_now"] = template.globals["strftime_now"] = date.strftime
    return template


def compiled_plainly(source, date):
    """The same by jinja2 alone, without {% generation %}."""

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = date.strftime
    return environment.from_string(source)


def special_tokens(bos, eos):
    """The tokens that a template is given; sep_token is not defined."""
    found = {"bos_token": bos, "eos_token": eos, "pad_token": "<pad>", "unk_token": "<unk>"}
    return {name: token for name, token in found.items() if token is not None}


def merged(ranges):
    """Ranges in order, without those that are empty; what overlaps or touches is one."""
    result = []
    for begin, end in sorted(ranges):
        if begin < end and result and begin <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        elif begin < end:
            result.append([begin, end])
    return result


def rendered_plainly(template, variables):
    """The text, and None for what is marked."""
    return template.render(**variables), None


def rendered_as_transformers(template, variables):
    """The text, and which characters the mask of the assistant's tokens is made of."""
    from transformers.utils.chat_template_utils import _render_with_assistant_indices

    text, marked = _render_with_assistant_indices(compiled_template=template, **variables)
    return text, merged(marked)


def expected(source, messages, prompt, bos, eos):
    """What transformers renders, as ("text", text, ranges of marked characters) or ("error", message)."""
    # A template can change a list: `x += …` in Jinja's own `indent`.
    variables = dict(messages=copy.deepcopy(messages), add_generation_prompt=prompt, tools=None, documents=None)
    variables.update(special_tokens(bos, eos))
    try:
        return "text", *rendered(compiled(source, DATE), variables)
    except RecursionError:
        return "error", "recursion"
    except Exception as error:  # whatever a template can do wrong
        return "error", f"{type(error).__name__}: {error}"


class Probe:
    """Lockstep's renderer."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def __call__(self, source, messages, prompt, bos, eos):
        request = dict(
            template=source, messages=messages, add_generation_prompt=prompt,
            special_tokens=special_tokens(bos, eos), date=f"{DATE:%Y-%m-%d}")
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the probe ended at this template:\n{source}")
        answer = json.loads(line)
        if "text" in answer:
            coded = answer["text"].encode()
            marked = [[len(coded[:place].decode()) for place in ends] for ends in answer["generated"]]
            return "text", answer["text"], merged(marked)
        return ("lacking" if answer["kind"] == "lacking" else "error"), answer["error"]


def conversations():
    """With and without a system message, short and long, with text that is hard to quote."""
    system = {"role": "system", "content": "  Be brief, \"quoted\" & <b>.\n"}
    turns = [
        {"role": "user", "content": "Hello there"},
        {"role": "assistant", "content": " Hi!\n\nHow are you? \\ 'x' "},
        {"role": "user", "content": "\tÅ é 日本 😀\u2028 ς Σ"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nfine {{ x }} {% y %}"},
        {"role": "user", "content": ""},
    ]
    for count, has_system in itertools.product(range(0, 6), (False, True)):
        yield ([system] if has_system else []) + turns[:count]
    yield [turns[0], turns[0], turns[1]]
    yield [{"role": "other", "content": "?"}]


def compare(source, name, probe, messages, prompt, bos, eos):
    """One rendering by both; whether they agree, or None where Lockstep lacks something."""
    wanted = expected(source, messages, prompt, bos, eos)
    found = probe(source, messages, prompt, bos, eos)
    if found[0] == "lacking":
        return None
    if wanted[0] == found[0] and (wanted[0] == "error" or wanted[1] == found[1]):
        if wanted[0] == "error" or wanted[2] in (None, found[2]):
            return True
    print(f"{name}: differs for {len(messages)} messages, prompt {prompt}")
    print(f"  template     {source!r}" if len(source) < 2000 else "")
    print(f"  transformers {wanted!r}\n  Lockstep     {found!r}")
    return False


class Generator:
    """Random templates of what chat templates are made of."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def literal(self):
        return self.pick(
            "'a'", "'Bc d'", "\" x\\n\"", "''", "'user'", "'system'", "1", "0", "2", "-1", "7", "2.5",
            "true", "false", "none", "[]", "[1, 2, 3]", "['b', 'A', 'c']", "(1, 'x')", "{'k': 1, 'j': [2]}",
            "{}", "'<|im_end|>'", "'a,b,,c'", "'  pad '", "1e3", "'Ünï ß'", "[true, none]")

    def name(self):
        return self.pick(
            "messages", "message", "x", "y", "loop", "missing", "ns", "bos_token", "eos_token",
            "pad_token", "sep_token", "add_generation_prompt", "tools", "content")

    def filter(self, depth):
        value = lambda: self.expression(depth - 1)
        return self.pick(
            "trim", "upper", "lower", "length", "string", "first", "last", "list", "tojson", "title",
            "capitalize", "int", "default('d')", "default('d', true)", "join(', ')", "join", "reverse",
            "sort", "unique", "items", "dictsort", "abs", "float", "min", "max", "sum",
            "tojson(indent=2)", "indent", "indent(2, true)", "replace('a', 'b')", "map('upper')",
            "map(attribute='role')", "selectattr('role', 'equalto', 'user')", "select", "reject('none')",
            "rejectattr('content')", "select('string')", "count", "trim('a ')",
            f"default({value()})", "sort(reverse=true)", "map(attribute='content') | join('|')",
            "sort(attribute='role')", "unique(attribute='role')", "list | length")

    def test(self, depth):
        return self.pick(
            "defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number",
            "boolean", "true", "false", "integer", "float", "odd", "even", "divisibleby 2",
            "equalto('a')", "eq(1)", "in ['a', 1]", "ne 2", "lower", "upper", "gt 1", "callable")

    def method(self, depth):
        return self.pick(
            "strip()", "lstrip()", "rstrip('\\n')", "split()", "split(',')", "split('a', 1)",
            "startswith('a')", "endswith('d')", "replace('a', 'é')", "upper()", "lower()", "title()",
            "items()", "keys()", "values()", "get('role')", "get('zz', 5)", "splitlines()", "find('c')",
            "count('a')", "join(['p', 'q'])", "capitalize()", "rsplit(',')", "partition(',')", "isdigit()")

    def expression(self, depth):
        r = self.random.random()
        if depth <= 0 or r < 0.2:
            return self.literal() if self.random.random() < 0.6 else self.name()
        e = lambda: self.expression(depth - 1)
        return self.pick(
            lambda: f"{e()} {self.pick('+', '-', '*', '~', '//', '%', '/', '~', '+')} {e()}",
            lambda: f"{e()} {self.pick('==', '!=', '<', '>=', 'in', 'not in', 'and', 'or')} {e()}",
            lambda: f"(not {e()})", lambda: f"({e()})",
            lambda: f"{e()} if {e()} else {e()}", lambda: f"({e()} if {e()})",
            lambda: f"({e()}) | {self.filter(depth)}", lambda: f"{self.name()} | {self.filter(depth)}",
            lambda: f"({e()}) is {self.pick('', 'not ')}{self.test(depth)}",
            lambda: f"({e()}).{self.method(depth)}", lambda: f"{self.name()}.{self.method(depth)}",
            lambda: f"{self.name()}[{e()}]", lambda: f"{self.name()}.{self.pick('role', 'content', 'x')}",
            lambda: f"messages[{self.pick('0', '-1', '1', '9')}].{self.pick('role', 'content')}",
            # Of a number that is written out, Jinja finds a part at once, and that it is not defined.
            lambda: self.pick("messages", "content", "bos_token", "'abcdef'", "[1, 2, 3]", "(1, 'x')")
            + f"[{self.pick('1:', ':-1', '::-1', '0', '-1', ':2', '1:5:2')}]",
            lambda: "loop." + self.pick(
                "index", "index0", "first", "last", "length", "previtem", "nextitem", "revindex",
                "cycle('a', 'b')", "depth", "changed(1)"),
            lambda: f"range({self.pick('3', '1, 4', '0', '5, 0, -2')}) | list",
            lambda: f"m({e()})", lambda: f"m({e()}, b={e()})", lambda: f"dict(a={e()})",
            lambda: f"[{e()}, {e()}]", lambda: f"strftime_now('%d %b %Y')",
            lambda: f"'{self.pick('a', 'b')}' '{self.pick('c', '')}'")()

    def space(self):
        return self.pick("", "", " ", "\n", "\n  ", "  \n\n", "\t", "text", " word ", "\nline\n")

    def tag(self, text):
        return "{%" + self.pick("", "-", "", "+") + f" {text} " + self.pick("", "-", "") + "%}"

    def statement(self, depth):
        body = lambda: self.body(depth - 1)
        if depth <= 0 or self.random.random() < 0.35:
            return "{{" + self.pick("", "-") + f" {self.expression(2)} " + self.pick("", "-") + "}}"
        e = lambda: self.expression(2)
        return self.pick(
            lambda: self.tag(f"if {e()}") + body() + self.pick(
                lambda: "", lambda: self.tag("else") + body(),
                lambda: self.tag(f"elif {e()}") + body() + self.tag("else") + body())()
            + self.tag("endif"),
            lambda: self.tag(f"for {self.pick('message', 'x')} in {self.pick('messages', 'messages[1:]', e())}"
                             + self.pick("", "", f" if {e()}")) + body()
            + self.pick("", "", self.tag("else") + body()) + self.tag("endfor"),
            lambda: self.tag("for message in messages") + body() + self.tag(
                f"if {e()}") + self.tag(self.pick("break", "continue")) + self.tag("endif")
            + body() + self.tag("endfor"),
            lambda: self.tag(f"for k, v in {self.pick('messages[0].items()', '{1: 2}.items()')}")
            + "{{ k ~ v }}" + body() + self.tag("endfor"),
            lambda: self.tag(f"set {self.pick('x', 'y', 'content')} = {e()}"),
            lambda: self.tag(f"set {self.pick('x', 'y')}" + self.pick("", " | trim")) + body()
            + self.tag("endset"),
            lambda: self.tag(f"set ns.{self.pick('a', 'b')} = {e()}"),
            lambda: self.tag(f"macro m(a, b={e()})") + body() + self.tag("endmacro"),
            lambda: "{#" + self.pick("", "-") + " note " + self.pick("", "-") + "#}",
            lambda: self.tag("generation") + body() + self.tag("endgeneration"))()

    def body(self, depth):
        return "".join(
            self.space() + self.statement(depth) for _ in range(self.random.randrange(1, 4))) + self.space()

    def template(self):
        return ("{%- set ns = namespace(a=0) %}" + self.pick(
            "", "{% macro m(a, b='B') %}[{{ a }}{{ b }}]{% endmacro %}") + self.body(3))


def main():
    global compiled, rendered
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--fuzz", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--probe", default=".build/release/template-probe")
    options = parser.parse_args()
    try:
        compiled_as_transformers("{{ 1 }}", DATE)
        compiled, rendered = compiled_as_transformers, rendered_as_transformers
    except ImportError:
        compiled, rendered = compiled_plainly, rendered_plainly
    probe = Probe(options.probe)
    failures = compared = lacking = texts = 0
    for file in options.files:
        source = file.read_text()
        results = [
            compare(source, file.name, probe, messages, prompt, bos, eos)
            for messages in conversations() for prompt in (False, True)
            for bos, eos in (("<s>", "</s>"), ("<|begin_of_text|>", None))]
        failures += results.count(False)
        lacked = results.count(None)
        print(f"{file.name}: {results.count(True)} of {len(results)} agree"
              + (f"; refused: {probe(source, [], False, None, None)[1]}" if lacked else ""))
    generator = Generator(options.seed)
    cases = list(conversations())
    for number in range(options.fuzz):
        source = generator.template()
        messages = generator.random.choice(cases)
        result = compare(
            source, f"random template {number}", probe, messages, bool(number % 2), "<s>", "</s>")
        compared += result is not None
        lacking += result is None
        failures += result is False
        texts += expected(source, messages, bool(number % 2), "<s>", "</s>")[0] == "text"
    if options.fuzz:
        print(f"{compared} random templates compared, {texts} of {options.fuzz} give a text, "
              f"{lacking} use what Lockstep lacks")
    print("equal" if failures == 0 else f"{failures} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
