"""Writes rendered.json: what Jinja2 makes of the templates here, and of small ones, in
the environment that transformers 4.57 gives to chat templates (utils/chat_template_utils.py).
Run with: pip install jinja2==3.1.6; python render.py"""
import json
from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """As the AssistantTracker of transformers, whose spans do not change the text."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

    def _text(self, caller):
        return caller()


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"])
env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
    x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise TemplateError(message)


env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda form: __import__("datetime").datetime(2026, 3, 7, 9, 5, 4).strftime(form)

user, assistant, system = ({"role": r, "content": c} for r, c in (("user", "What is 1+1?"), ("assistant", "2"), ("system", "Be brief.")))
again = {"role": "user", "content": "  And <b>\"2+2\"</b> & 'é' \\ 中文?\n\n "}
thinking = {"role": "assistant", "content": "<think>\nCarry the 1.\n</think>\n\nIt is 4."}
call = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "add", "arguments": {"b": 2, "a": 1.5, "who": "é<>&'\"", "deep": {"x": [1, None, True, []], "y": {}}}}}]}
calls = {"role": "assistant", "content": "Two calls.", "tool_calls": [{"name": "f", "arguments": {"x": 1}}, {"function": {"name": "g", "arguments": {}}}]}
result = {"role": "tool", "name": "add", "content": "3.5"}
tools = [{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {"b": {"type": "number"}, "a": {"type": "number"}}, "required": ["a", "b"]}}}]
CHATS = [[user], [system, user], [user, assistant, again], [system, user, assistant, again, thinking], [user, assistant], [system], [again, thinking, user],
         [user, call, result], [system, user, call, result, result, assistant, again], [user, calls, result, assistant], [user, system, again]]
TOKENS = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}

SMALL = [  # template, variables
    ("a{{ 1 }}\n{% if true %}\n  b\n{% endif %}\nc\n", {}), ("  {%- if true -%}  x  {%- endif -%}  y", {}), ("x\n   {% if true %}\ny{% endif %}\n", {}),
    ("x  {{- ' a ' -}}  y {#- note #} z\n{# note #}\nw", {}), ("  {%+ if true %} x{% endif +%}\ny", {}), ("{{ '\\n\\t\\'\\\"\\\\ \\u00e9 \\x41' }}", {}), ("a\n\n", {}), ("{{ 'a' 'b' ~ 1 ~ none ~ true ~ 1.0 ~ 1.5e3 }}", {}),
    ("{{ 1 + 2 * 3 - 4 // 3 % 2 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }}", {}), ("{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 1 == 1.0 }} {{ 'a' != 'b' }} {{ 'a' < 'b' }}", {}),
    ("{{ not false and true or false }} {{ 1 and 0 or 'x' }} {{ '' or none }} {{ not 'a' in 'abc' }} {{ 'd' not in 'abc' }} {{ 2 in [1, 2] }} {{ 'k' in {'k': 1} }}", {}),
    ("{{ x }}|{{ x.y }}|{{ x is defined }}|{{ y is not defined }}|{{ y is none }}|{{ x | default('d') }}|{{ y | default('d') }}|{{ '' | default('d', true) }}", {"y": None}), ("{{ x.y.z }}", {}), ("{{ x + 1 }}", {}), ("{{ x() }}", {}),
    ("{% for i in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}", {}),
    ("{% for i in [] %}x{% else %}none{% endfor %}{% for c in 'aé中' %}[{{ c }}]{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in d | items %}{{ k }}{% endfor %}", {"d": {"b": 1, "a": "x"}}),
    ("{% for i in range(10) if i % 2 %}{{ i }}{{ loop.last }}{% if i == 7 %}{% break %}{% endif %}{% endfor %}{% for i in range(4, 0, -2) %}{% if i == 4 %}{% continue %}{% endif %}{{ i }}{% endfor %}", {}),
    ("{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}", {}), ("{% set ns = namespace(n=0, s='') %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", {}),
    ("{% set a, b = 1, [2, 3] %}{{ a }}{{ b }}{% set c %}block {{ a }}{% endset %}{{ c }}{{ (1, 2) }}{{ (1,) }}{{ {'a': 'b\\'c', 'd': none} }}{{ ['x', 1.0, true] }}", {}),
    ("{{ l[0] }}{{ l[-1] }}{{ l[1:] }}{{ l[:-1] }}{{ l[::-1] }}{{ l[9] }}|{{ s[1:3] }}{{ s[::-1] }}{{ d['k'] }}{{ d.k }}{{ d['z'] }}{{ d.get('z', 5) }}{{ l[::2] }}{{ s[0] }}", {"l": [1, 2, 3], "s": "héllo", "d": {"k": "v"}}),
    ("{{ ' a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ '\\na\\n'.lstrip('\\n') }}|{{ 'ab'.rstrip('b') }}|{{ 'a,b,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a,b,c'.split(',', 1)[-1] }}|{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith('x') }}", {}),
    ("{{ 'aB c'.upper() }}{{ 'aB'.lower() }}{{ 'aB'.capitalize() }}{{ 'aXbX'.replace('X', '-') }}{{ ', '.join(['a', 'b']) }}{{ 'aba'.count('a') }}{{ 'abc'.find('c') }}", {}),
    ("{{ ' a ' | trim }}|{{ 'aB' | upper }}|{{ 'aB' | lower }}|{{ [1, 2] | length }}|{{ 'é中' | length }}|{{ [1, 2] | first }}{{ [1, 2] | last }}|{{ [3, 1] | join(', ') }}|{{ 5 | string }}|{{ '7' | int + 1 }}|{{ 'abc' | list }}|{{ 'a' | replace('a', 'b') }}|{{ ['b', 'a'] | sort }}|{{ 'x' | indent(2) }}|{{ 'ab c' | capitalize }}|{{ [1, 2] | reverse | list }}", {}),
    ("{{ d | tojson }}|{{ d | tojson(indent=2) }}|{{ 'é<\"\\n\\u2028' | tojson }}|{{ [] | tojson(indent=4) }}|{{ 1.0 | tojson }}|{{ none | tojson }}|{{ 1e20 | tojson }}{{ 1e-7 | tojson }}", {"d": {"z": [1, 2.5, None], "a": {}, "é": "\u0001\u007f/"}}),
    ("{{ m | selectattr('role', 'equalto', 'user') | list | length }}{{ m | rejectattr('role', '==', 'user') | map(attribute='content') | join('+') }}{{ m | selectattr('x', 'defined') | list }}{{ m | map('length') | list }}", {"m": [user, assistant]}),
    ("{{ 1 is number }}{{ '' is string }}{{ {} is mapping }}{{ [] is sequence }}{{ [] is iterable }}{{ 'a' is iterable }}{{ 5 is iterable }}{{ true is boolean }}{{ true is number }}{{ 1 is integer }}{{ 1.5 is float }}{{ 3 is odd }}{{ 4 is even }}{{ none is none }}{{ 1 is eq 1 }}{{ true is true }}{{ 0 is false }}{{ 1 is not string }}{{ 'a' is in 'abc' }}", {}),
    ("{% macro f(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f(1, b='x') }}{{ f('q', 3) }}{{ f() }}", {}), ("{{ raise_exception('no ' ~ 1) }}", {}), ("{{ strftime_now('%d %b %Y %H:%M:%S %Y-%m-%d %B %A %j %%') }}", {}),
    ("{{ 'yes' if x is defined else 'no' }}{{ 'a' if false }}|{{ ('a' if 1 > 2 else 'b') + 'c' }}", {}), ("{% if a %}1{% elif b %}2{% else %}3{% endif %}", {"b": [0]}), ("{% raw %}{{ x }}{% endraw %}{{ '{{' }}", {}), ("a{% generation %}\n  x{% set y = 1 %}{% endgeneration %}{{ y }}", {}), ("{{ [3, 'a', {'b': (1, 2)}] | tojson(separators=(',', ':'), ensure_ascii=true) }}{{ 'é😀' | tojson(ensure_ascii=true) }}{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}", {}),
    ("{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(1, true) }}|{{ ['b', 'A', 'c'] | sort }}{{ [3, 1, 2] | sort(reverse=true) }}", {}), ("{{ '\x1c a\u00a0' | trim }}|{{ 'a\x1cb' .split() }}", {}),
    ("{%- set x = ['a', 'b'] -%}\n{%- for a in x %}\n    {{- a }}\n{%- endfor %}\n\n  {#- c -#}  z\n  {# d #}\n  {% raw -%}  {{ q }} {%- endraw %}\ne", {}), ("{{ 1 if }}", {}), ("{{ a b }}", {}), ("{% for x in 3 %}{% endfor %}", {}), ("{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %}{% for x in 1, 2 %}{{ x }}{% endfor %}", {}), ("{{ [] | first is defined }}{{ (1, 2)[0] }}{{ {1: 'x'}[true] }}{{ [1, 2, 3][-9:2] }}{{ 'abc'[5:] }}", {}),
    ("{%- macro outer(x) %}<{{ inner(x) }}>{% endmacro %}{%- macro inner(y) %}{{ y | upper }}{% endmacro %}{{ outer('a') }}", {}), ("{% if false %}{% set q = 1 %}{% endif %}{{ q is defined }}{% for i in [1] %}{% set z = i %}{% endfor %}{{ z is defined }}", {}), ("{{ message['content'] is string and message.content }}{{ message.get('tool_calls') }}{{ 'tool_calls' in message }}", {"message": user}), ("{{ 1 + 'a' }}", {}), ("{{ 'a' + none }}", {}),
    ("{% if x %}", {}), ("{{ 1 | nope }}", {}), ("{{ 1 is nope }}", {}), ("{{ 'a }}", {}), ("{% nope %}", {}), ("{{ [1, 2] == [1, 2] }}{{ {'a': 1} == {'a': 1.0} }}{{ 'a' * 3 }}{{ [1] + [2] }}{{ none == false }}{{ 1 == true }}{{ 'a' == 1 }}", {}), ("{{ 'a'.nope() }}", {}), ("{{ 10000000000 * 3 }}{{ 1e16 }}{{ 0.1 + 0.2 }}{{ 100000.0 }}{{ 3 | float }}{{ '3.7' | float | int }}", {}),
    ("{{ messages[0]['content'] | trim + 'x' }}{{ [1, [2, 'b']] | string }}{{ \"it's\" | string }}{{ [\"it's\", 'say \"hi\"', 'a\\nb\\\\'] }}", {"messages": [again]}),
]

out = []
for name in ("qwen2.5", "qwen3", "llama3.1", "llama3.2", "smollm2"):
    with open(name + ".jinja") as f:
        template = env.from_string(f.read())
    for chat in CHATS:
        for more in ({}, {"add_generation_prompt": True}, {"tools": tools, "add_generation_prompt": True}, {"tools": tools, "tools_in_user_message": False, "date_string": "26 Jul 2024"}, {"enable_thinking": False, "add_generation_prompt": True}):
            case = {"template": name, "messages": chat, "variables": {"tools": None, "documents": None, "add_generation_prompt": False, **TOKENS, **more}}
            try:
                case["text"] = template.render(messages=chat, **case["variables"])
            except Exception as e:
                case["error"] = str(e)
            out.append(case)
for source, variables in SMALL:
    case = {"source": source, "variables": variables}
    try:
        case["text"] = env.from_string(source).render(**variables)
    except Exception as e:
        case["error"] = str(e)
    out.append(case)
with open("rendered.json", "w") as f:
    json.dump(out, f, ensure_ascii=False, indent=0)
print(len(out), "cases,", sum("error" in c for c in out), "errors")
