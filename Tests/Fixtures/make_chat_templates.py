"""Writes chat-template-cases.json: templates and what Jinja2 renders from them.

Run it with jinja2 3.1 in this folder: `python3 make_chat_templates.py > chat-template-cases.json`.
The environment is the one that Hugging Face renders chat templates with. A case that Jinja refuses
has "error": true, since messages are each implementation's own.
"""

import datetime
import json
import sys

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2024, 7, 6, 14, 5, 9)


class Generation(Extension):
    """The `{% generation %}` block: its body is rendered in place."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = NOW.strftime

VARIABLES = {
    "t": "text", "n": 7, "f": 2.5, "yes": True, "no": False, "nil": None, "e": "",
    "s": "  Hello, World! it's \"quoted\" \u00e9\u00df\u4e16\U0001f600\t\n",
    "l": [3, 1, 2], "words": ["b", "A", "c", "a"], "mixed": [1, 2.0, "x", None, True, [1, {"a": "b'c"}]],
    "d": {"b": 1, "a": {"x": [1, 2, {"y": None}]}, "C": "three", "items": "shadow"},
    "people": [
        {"name": "Ann", "age": 31, "tags": ["x"]}, {"name": "bob", "age": 25, "tags": []},
        {"name": "Cid", "age": 31},
    ],
    "floats": [0.1, 1e16, 1e15, 123456789012345680.0, 1e-5, 0.0001, 1.0, -0.0, 1e22, 5e-324, 1.5e300, 100.0],
    "unicode": "a\u0301\u00e1\u2028\u200b\u00a0\x07\x7f",
    "lines": "one\ntwo\r\n\nthree\x0bfour\n",
}

EXPRESSIONS = """
1 + 2 * 3 ** 2 ** 2|string == '1'
-2 ** 2
-n|abs
2 ** 3 ** 2
2 ** -1
7 // 2, -7 // 2, 7 // -2, -7 % 3, 7 % -3, 7 / 2, 6 / 2
7.5 // 2, -7.5 // 2, -7.5 % 2, 7.5 % -2, 1e308 * 10
1 + true, true + true, -true, +n, +f
1_000 + 0x1f + 0b11 + 0o17 + 1e3 + 1_0.5
'a' + 'b' ~ 1 ~ none ~ true ~ 1.0 ~ [1, 'x'] ~ undefined_name
'ab' * 3, 2 * 'ab', [1, 2] * 2, 'ab' * -1, (1,) * 3
[1] + [2], (1,) + (2, 3)
'a' 'b' "c"
'\\n\\t\\x41\\u00e9\\U0001F600\\101\\d\\'"'
1 < 2 < 3, 1 < 3 < 2, 1 == 1.0 == true, 'a' < 'b' <= 'b'
1 in [1, 2], 'x' not in 'xyz', 'a' in d, 3 not in (1, 2), none in [none], '' in 'a'
not 1 == 2, not not yes, not e or t
e or t, t and n, no or nil, yes and e, nil or e or 0
t if yes else n, t if no, (t if no) is defined, 1 if no else 2 if no else 3
yes == 1, [1, 2] == [1.0, 2], {'a': 1} == {'a': 1.0}, (1,) == [1], nil == no
[1, 2] < [1, 3], (1, 'a') < (1, 'b')
t[0], t[-1], t[10] is defined, t[1:3], t[::-1], t[-3:], t[:-1], t[::2], t[3:0:-1], t[5:2]
l[0], l[-1], l[1:], l[::-1], l[:100], l[5] is undefined, (1, 2, 3)[1:], range(10)[2:8:3]|list
l[nil:2], l[:], l[-100:2], l[100:], l[::-2]
d.b, d['a'].x[2].y, d.missing is defined, d['missing'] is none, d.a['x'][0], d['items']
d.get('b'), d.get('zz'), d.get('zz', 5), d.keys()|list, d.values()|list, d.items()|list
d.items(), d.keys(), d.values()
people[0].name, people.0.name, people|length
mixed, [nil, yes], {'a': 1, 2: 'b', none: none}, (1,), (), [], {}, ((1, 2), [3])
s, [s], unicode, [unicode], ["it's"], ['"'], ['both \\' "']
floats
floats|tojson
f, 1.0, 1e100, 1.5e-7, 123456.789, 1e16, 12345678901234567890.0
n is odd, n is even, 4 is even, n is divisibleby 7, n is divisibleby(2)
n is number, f is number, yes is number, t is number, nil is number
n is integer, yes is integer, f is integer, f is float, n is float
t is string, nil is none, d is mapping, l is mapping, l is sequence, d is sequence, t is sequence, n is sequence
l is iterable, t is iterable, n is iterable, d is iterable, zz is iterable, zz is sequence
yes is boolean, n is boolean, yes is true, n is true, no is false, 0 is false, 1 is true
zz is defined, zz is undefined, t is defined, zz is not defined, t is not none
n is eq 7, n is equalto(7), n is ne 8, n is gt 6, n is ge 7, n is lt 8, n is le 7, n is greaterthan(1), n is lessthan 9
n is == 7, 1
n is in [1, 7], n is in(l), 'a' is in 'abc', n is not in l
'abc' is lower, 'ABC' is upper, 'Abc' is lower, '1' is lower, range is callable, n is callable
nil is sameas none, yes is sameas true, 1 is sameas true
'upper' is filter, 'nope' is filter, 'odd' is test, 'nope' is test
n is defined and n is odd or no, n is odd if yes
t is string and l is iterable, not t is string, t is not string
t|upper, 'ÄßǆÉ'|upper, 'ÄSS'|lower, 'hello wORLD-foo (bar) [x]{y}<z> it\\'s'|title, 'hELLO wORLD'|capitalize, ''|capitalize
t.upper(), 'ABC'.lower(), "they're bill's FRIENDS x1y"|title, "they're bill's FRIENDS x1y".title(), 'hELLO'.capitalize()
s|trim, s.strip(), 'xxaxx'.strip('x'), 'xyaxy'.lstrip('xy'), 'xyaxy'.rstrip('yx'), 'xax'|trim('x')
'a,b,,c'.split(','), 'a,b,c'.split(',', 1), ' a  b c '.split(), ' a  b c '.split(none, 1), 'abc'.split('x'), ''.split(), ''.split(',')
'a,b,,c'.rsplit(',', 1), ' a  b c '.rsplit(none, 1), 'aaa'.split('aa'), 'aaa'.rsplit('aa', 1)
lines.splitlines(), lines.splitlines(true), ''.splitlines(), 'a\\r\\n\\n'.splitlines()
t.startswith('te'), t.endswith('xt'), t.startswith(('a', 't')), t.startswith('x', 2), t.endswith('')
'</think>' in 'a</think>b', 'a</think>b'.split('</think>')[-1].lstrip('\\n'), 'a</think>b'.split('</think>')[0].split('<think>')[-1]
'aXbXc'.replace('X', '--'), 'aXbXc'.replace('X', '', 1), 'abc'.replace('', '-'), 'abc'.replace('', '-', 2), 'aaa'|replace('a', 'b', 2), 12|replace(1, 3), ''.replace('', 'x')
', '.join(['a', 'b']), '-'.join('abc'), ''.join([])
'hello'.find('l'), 'hello'.rfind('l'), 'hello'.find('z'), 'hello'.count('l'), 'aaaa'.count('aa'), 'éaé'.find('a'), 'hello'.find('l', 3), 'hello'.index('e'), 'abc'.count(''), 'éaéa'.rfind('a'), 'hello'.find('l', 1, 3)
'123'.isdigit(), '12a'.isdigit(), 'abc'.isalpha(), ' '.isspace(), ''.isspace(), 'a1'.isalnum(), 'AB'.isupper(), 'ab'.islower()
'prefix-x'.removeprefix('prefix-'), 'x.txt'.removesuffix('.txt'), 'x'.removesuffix('')
l|length, t|length, d|count, e|length, zz|length, 'é世😀'|length, range(5)|length
l|join, l|join(', '), people|join('; ', attribute='name'), zz|join('x'), [1, none, 'a']|join('|')
l|first, l|last, t|first, t|last, []|first is defined, zz|first is defined, range(3)|last
l|list, t|list, d|list, range(3)|list, zz|list, (1, 2)|list
l|sort, l|sort(reverse=true), words|sort, words|sort(case_sensitive=true), people|sort(attribute='age')|map(attribute='name')|list, people|sort(attribute='age,name', reverse=true)|map(attribute='name')|list
words|unique|list, words|unique(true)|list, [1, 1.0, true, 2]|unique|list, people|unique(attribute='age')|map(attribute='name')|list
l|reverse|list, t|reverse, words|reverse|join(','), d|reverse|list
l|min, l|max, words|min, words|max, []|max is defined, people|max(attribute='age'), l|sum, people|sum(attribute='age'), [1.5, 2]|sum(start=10)
people|map(attribute='name')|join(','), words|map('upper')|list, people|map(attribute='tags.0', default='-')|list, [1.7, 2.2]|map('int')|list, words|map('replace', 'a', 'z')|list
l|select('odd')|list, l|reject('odd')|list, [0, 1, '', 'a', none]|select|list, l|select('gt', 1)|list, [1, 'a', 2.0]|select('string')|list
people|selectattr('tags')|map(attribute='name')|list, people|selectattr('age', 'equalto', 31)|list|length, people|rejectattr('name', 'eq', 'bob')|map(attribute='name')|join, people|selectattr('tags', 'defined')|list|length, people|selectattr('age', '>', 30)|first
zz|default('x'), nil|default('x'), nil|default('x', true), e|d('y', boolean=true), d.q|default(5), zz|default is string, no|default(1)
'42'|int, '42.9'|int, 'x'|int, 'x'|int(5), 3.99|int, -3.99|int, yes|int, nil|int, '0x1f'|int(0, 16), ' 1_0 '|int, '1e3'|int, '0b11'|int(base=2)
'1.5'|float, 'x'|float, 'x'|float(2.5), 3|float, '1e3'|float, ' inf '|float, 'nan'|float, '.5'|float, '5.'|float, '1_0.5'|float
2.5|round, 3.5|round, 2.675|round(2), 2.345|round(1), 5|round, 1234.5|round(-2), 2.1|round(0, 'ceil'), 2.9|round(method='floor'), -2.5|round, 1.005|round(2), 1e20|round(3)
1.5|string ~ 'x', 5|string|length, nil|string, [1]|string|length, zz|string
-5|abs, -2.5|abs, (-5)|abs, (0 - 5)|abs
d|dictsort, d|dictsort(true), {'a': 3, 'b': 1}|dictsort(false, 'value'), {'a': 3, 'b': 1}|dictsort(reverse=true)
d|items|list, zz|items|list
'<a href="x">&\\'</a>'|e ~ ('<b>'|escape) ~ ('<b>'|safe) ~ (5|e)
'a\\nb\\n\\nc'|indent, 'a\\nb'|indent(2, true), 'a\\n\\nb'|indent(2, blank=true), 'a\\nb\\n'|indent('>> '), ''|indent, 'a\\nb'|indent(width=0)
d|tojson, d|tojson(indent=2), d|tojson(indent=0), []|tojson(indent=2), {}|tojson(indent=4), mixed|tojson(indent=1)
s|tojson, unicode|tojson, s|tojson(ensure_ascii=true), {'b': 1, 'a': 2}|tojson(sort_keys=true), d|tojson(separators=(',', ':')), l|tojson(indent=2, separators=(', ', ' : '))
{1: 2, none: 3, true: 4, 1.5: 5}|tojson, (1, 2)|tojson, '/</script>'|tojson, d|tojson(indent='--')
range(3), range(1, 10, 3), range(5, 0, -2)|list, range(0), range(3)[1], range(-1)|list
dict(a=1, b=2), dict({'a': 1}, b=2), dict([('x', 1), ['y', 2]]), dict()
namespace(a=1).a, namespace({'b': 2}).b, namespace().c is defined
strftime_now('%Y-%m-%d %H:%M:%S %d %b %Y %B %A %a %j %p %I %y %e %-d %-m %% %w %u %F %T %R %D')
yes.nope is defined, 5 .x is defined, nil.x is defined, nil['x'] is defined, 5[0] is defined, l.x is defined, l['0'] is defined
l.append is defined, l.index(1), l.count(2), (1, 2, 1).count(1)
people[1:]|map(attribute='name')|first, people[-1]['name'][0]|lower
[x for_x]|length
d.items()|first, d.keys()|first, d.values()|length, d.items()|length
{'a': 1, 'a': 2}, {'a': 1, **d}
'%s' ~ 5, 10 ~ 5 + 3, 1 ~ 2 * 3
zz == yy, zz == none, zz != 1, zz in [zz], 1 in zz, zz ~ '', not zz, zz or 5
(1, 2), (3,), 1, 2
{'x': {'y': 1}}.x.y, {'x': 1}['x'], [[1, 2], [3]][1][0], 'abc'[1:][0]
'a' if n > 5 and t else 'b' if f else 'c'
(l|length > 2) and (l[0] == 3), l|length + 1, l|length - 1 == 2, t|upper ~ t|length
t.zfill is string
loop is defined, caller is defined
"a" < 1
zz.x
zz + 1
1 + 'a'
'a' + 1
l['a']['b']
none + 1
nil.x.y
zz()
t()
5()
1 / 0
1 // 0
1 % 0
l.append(4)
l.pop()
d.update({})
d.pop('b')
zz|tojson
range(3)|tojson
[1, 'a']|sort
5|length
nil|length
nil|list
5|join
range(100001)
range(0, 10, 0)
raise_exception('no')
1 in 5
1 in 'abc'
zz|int
t|nope
t is nope
t|upper(1)
t|replace('a')
'abc'.startswith(1)
'a'.split('')
'a'.index('b')
-'a'
[1, 2]|map|list
l|map('upper', 1)|list
l|map(attribute='x')|list
namespace(1)
n[1:]
d[1:]
5|indent
zz in d, d.get(zz, 1), nil|map('upper')|list, 0|select|list, range(9)[1:8:2], range(4)[::-1], range(1, 9, 5), range(9)[::4]
dict(1)
words|map('upper')|last
words|map('upper')|length
(words|map('upper'))[0] is defined
'a' is divisibleby 2
nil in 'a'
{[]: 1}
[1,2][
(1
1 +
{'a' 1}
'a' is
a..b
a.
@
"unclosed
1 if
x | 
foo(a=1, 2)
""".strip("\n").split("\n")

# Whole templates: white space, statements, scopes, and the manner of real chat templates.
TEMPLATES = {
    "white space: trim and lstrip": "a\n  {% if yes %}  \n  b\n  {% endif %}\nc\n",
    "white space: text before a tag": "a {% if yes %} b {% endif %} c\n\n",
    "white space: minus": "a \n\n {%- if yes -%} \n b \n {%- endif -%} \n c",
    "white space: plus": "a\n  {%+ if yes +%}\n  b\n  {%+ endif %}\nc",
    "white space: variables": "a\n  {{ n }}\n  {{- n -}}  \n b {{+ n }}\n",
    "white space: comments": "a\n  {# one #}\nb {# two #} c {#- three -#} d\n{#+ four +#}\ne {##} f",
    "white space: tag after trimmed newline": "{% if yes %}\n   {% if yes %}\n   x{% endif %}\n{% endif %}\n  {% set a = 1 %}\ny",
    "white space: several tags on a line": "  {% if yes %}{% endif %}  {% if yes %}\nz {% endif %}",
    "white space: carriage returns": "a\r\n{% if yes %}\r\nb\r{% endif %}\r\nc\r\n",
    "white space: two newlines at the end": "a\n\n",
    "white space: only a newline": "\n",
    "white space: empty": "",
    "white space: no-break space": "a\n\u00a0{% if yes %}\u00a0\n{%- endif %}\u00a0{{- n -}}\u2003b",
    "white space: string with newlines": "{{ 'a\n  b' }}\n{{- '\r\nx' }}",
    "white space: minus at both ends of file": "  {%- set x = 1 -%}  ",
    "raw": "{% raw %}{{ n }}{% if %}\n{% endraw %}\nx{%- raw -%}  a  {%- endraw -%}  b{% raw %}\n a\n  {% endraw %}\nq",
    "braces in variables": "{{ {'a': {'b': 1}} }}{{ {'a': 1}['a'] }}{{ '}}' }}{{ \"%}\" }}{% set x = {'a': '%}'} %}{{ x }}",
    "lone braces": "{ { } } {x} %} }} # #} {",
    "minus before a number": "{{-1}} {{ -1 }} {{ - 1 }}{{+1}}",
    "set": "{% set a = 1 %}{% set b, c = 2, 3 %}{% set (x, y) = [4, 5] %}{% set z = 6, 7 %}{{ a }}{{ b }}{{ c }}{{ x }}{{ y }}{{ z }}",
    "set: a tuple of one": "{% set a, = [9] %}{{ a }}",
    "set: block": "{% set a %}  x {{ n }}\n{% endset %}[{{ a }}]{% set b | upper | replace('X', 'y') %}x{% endset %}{{ b }}{{ a is string }}",
    "set: namespace": "{% set ns = namespace(count=0, found=false) %}{% for i in l %}{% set ns.count = ns.count + i %}{% if i == 1 %}{% set ns.found = true %}{% endif %}{% set ns.new = i %}{% endfor %}{{ ns.count }} {{ ns.found }} {{ ns.new }} {{ ns['count'] }} {{ ns.none_such is defined }}",
    "set: namespace attribute block": "{% set ns = namespace() %}{% set ns.x %}abc{% endset %}{{ ns.x }}",
    "set: attribute of no namespace": "{% set d.x = 1 %}",
    "set: too few values": "{% set a, b = [1] %}",
    "set: a constant": "{% set true = 1 %}",
    "scope: loop": "{% set x = 1 %}{% for i in l %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}",
    "scope: if": "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}{% if no %}{% set y = 1 %}{% endif %}{{ y is defined }}",
    "scope: loop variable": "{% set i = 'o' %}{% for i in l %}{{ i }}{% endfor %}{{ i }}{{ loop is defined }}",
    "scope: nested loops": "{% for i in l %}{% for j in words %}{{ loop.index }}{{ j }}{% endfor %}{{ loop.index }}{% endfor %}",
    "scope: loop shadows its list": "{% for people in people %}{{ people.name }}{% endfor %}",
    "scope: inner set of the loop variable": "{% for p in people %}{% if p.name is defined %}{% set p = p.name %}{% endif %}{{ p }}{% endfor %}",
    "with": "{% with a = 1, b = n %}{{ a }}{{ b }}{% set c = 3 %}{{ c }}{% endwith %}{{ a is defined }}{{ c is defined }}{% with %}x{% endwith %}",
    "if": "{% if no %}a{% elif nil %}b{% elif n %}c{% else %}d{% endif %}{% if no %}{% else %}e{% endif %}{% if l: %}f{% endif %}",
    "for: loop": "{% for i in words %}{{ loop.index }} {{ loop.index0 }} {{ loop.first }} {{ loop.last }} {{ loop.length }} {{ loop.revindex }} {{ loop.revindex0 }} {{ loop.previtem }} {{ loop.nextitem }} {{ loop.cycle('x', 'y') }} {{ loop.depth }} {{ loop['index'] }}\n{% endfor %}",
    "for: else": "{% for i in [] %}a{% else %}b{% endfor %}{% for i in l %}a{% else %}b{% endfor %}{% for i in zz %}{% else %}c{% endfor %}",
    "for: filter": "{% for i in l if i > 1 %}{{ i }}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% endfor %}{% for i in l if i > 9 %}{% else %}none{% endfor %}",
    "for: unpacking": "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in d|items %}{{ k }}{% endfor %}{% for k, v in d|dictsort %}{{ k }}{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "for: unpacking fails": "{% for a, b in [1, 2] %}{% endfor %}",
    "for: over text and dictionary": "{% for c in 'é世' %}[{{ c }}]{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for i in 1, 2 %}{{ i }}{% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}",
    "for: over none": "{% for i in nil %}{% endfor %}",
    "for: break and continue": "{% for i in range(10) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% else %}x{% endfor %}",
    "for: break in an inner loop": "{% for i in l %}{% for j in l %}{% if j == 1 %}{% break %}{% endif %}{{ j }}{% endfor %}{{ i }}{% endfor %}",
    "for: conditional expression is a filter": "{% for i in l if yes %}{{ i }}{% endfor %}",
    "for: once through an iterator": "{% set m = words|map('upper') %}{% for w in m %}{{ w }}{% endfor %}{% for w in m %}{{ w }}{% endfor %}{{ m|list }}",
    "break outside": "{% break %}",
    "macro": "{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=1, a=0) }}{{ m() }}{{ m(1, 2, 3)|upper }}",
    "macro: default of another parameter": "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}",
    "macro: too many arguments": "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "macro: unknown argument": "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}",
    "macro: varargs and kwargs": "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m(*[1, 2], **{'y': 5}) }}",
    "macro: recursion": "{% macro m(v) %}{% if v is mapping %}{ {% for k, w in v.items() %}{{ k }}:{{ m(w) }} {% endfor %}}{% elif v is iterable and v is not string %}[{% for w in v %}{{ m(w) }},{% endfor %}]{% else %}{{ v }}{% endif %}{% endmacro %}{{ m(d) }}",
    "macro: sees later variables": "{% macro m() %}{{ x }}{% endmacro %}{% set x = 5 %}{{ m() }}{{ m }}",
    "macro: set stays inside": "{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x is defined }}",
    "macro: white space": "{%- macro m(a) -%}\n  {{ a }}\n{%- endmacro -%}\n{{ m('x') }}|\n{{ m('y') }}",
    "macro: missing parameter is used": "{% macro m(a) %}{{ a.b }}{% endmacro %}{{ m() }}",
    "call": "{% macro m(a) %}<{{ a }}{{ caller() }}>{% endmacro %}{% call m(1) %}body {{ n }}{% endcall %}{% macro w() %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) w() %}({{ x }}){% endcall %}",
    "call: no caller taken": "{% macro m() %}{% endmacro %}{% call m() %}{% endcall %}",
    "filter block": "{% filter upper %}abc {{ t }}{% endfilter %}{% filter indent(2, true)|replace('a', 'b') %}a\na{% endfilter %}",
    "generation": "{% for p in people %}{% generation %}{{ p.name }}{% set q = 1 %}{% endgeneration %}{{ q is defined }}\n{% endfor %}",
    "print": "{% print n, t %}",
    "unknown filter in a branch": "{% if no %}{{ t|nope }}{% endif %}ok{{ (t|nope) if no else 1 }}",
    "unknown filter in a branch taken": "{% if yes %}{{ t|nope }}{% endif %}",
    "unknown test in a loop": "{% for i in [] %}{{ i is nope }}{% endfor %}",
    "unknown tag": "{% nope %}",
    "missing end": "{% if yes %}a",
    "wrong end": "{% if yes %}a{% endfor %}",
    "extra end": "a{% endif %}",
    "open comment": "a{# b",
    "open variable": "a{{ b",
    "open raw": "{% raw %}a",
    "empty variable": "{{ }}",
    "output of a tuple": "{{ 1, 2 }}",
    "chained tests": "{{ 1 is odd is true }}",
    "do": "{% do 1 %}",
    "llama": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start|>system<|end|>\\n\\nToday: " + date_string + "\\n\\n" + system_message }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n'+ message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("one call at once") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {%- if builtin_tools is defined and tool_call.name in builtin_tools %}
            {%- for arg_name, arg_val in tool_call.arguments | items %}
                {{- arg_name + '="' + arg_val + '"' }}
                {%- if not loop.last %}{{- ", " }}{%- endif %}
            {%- endfor %}
        {%- else  %}
            {{- '{"name": "' + tool_call.name + '", "parameters": ' }}
            {{- tool_call.arguments | tojson }}
            {{- "}<|eot|>" }}
        {%- endif %}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant<|end|>\\n\\n' }}
{%- endif %}
""",
    "qwen3": """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning)) %}
            {{- '<im>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<im>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
                {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
                {{- '<call>' ~ tool_call.name ~ ' ' }}
                {%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '</im>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<im>user' }}{%- endif %}
        {{- '\\n' ~ content }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '</im>\\n' }}{%- endif %}
    {%- else %}
        {{- '<im>' + message.role + '\\n' + content + '</im>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<im>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}""",
    "mistral": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}{{- ", " }}{%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}{{- ', "id": "?"}' }}{%- else %}{{- ', "id": "' + tool_call.id + '"}' }}{%- endif %}
            {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" + eos_token }}{%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[RESULTS] {"content": ' + content|string + "}" }}
    {%- else %}
        {{- raise_exception("unknown role") }}
    {%- endif %}
{%- endfor %}
""",
    "gemma": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("invalid content") }}
    {%- endif -%}
    {{ '</turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<turn>model\n'}}
{%- endif -%}
""",
    "deepseek": """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='', is_first_sp=true) %}{%- for message in messages %}{%- if message['role'] == 'system' %}{%- if ns.is_first_sp %}{% set ns.system_prompt = ns.system_prompt + message['content'] %}{% set ns.is_first_sp = false %}{%- else %}{% set ns.system_prompt = ns.system_prompt + '\\n\\n' + message['content'] %}{%- endif %}{%- endif %}{%- endfor %}{{ bos_token }}{{ ns.system_prompt }}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<User>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and 'tool_calls' in message %}{%- set ns.is_tool = false -%}{%- for tool in message['tool_calls'] %}{%- if not ns.is_first %}{%- if message['content'] is none or not message['content'] %}{{'<Calls>' + tool['type'] + '\\n```json\\n' + tool['function']['arguments']|tojson + '\\n```'}}{%- else %}{{'<Assistant>' + message['content']}}{%- endif %}{%- set ns.is_first = true -%}{%- else %}{{'\\n' + tool['function']['name']}}{%- endif %}{%- endfor %}{{'<Ends>'}}{%- endif %}{%- if message['role'] == 'assistant' and 'tool_calls' not in message %}{%- if ns.is_tool %}{{'<Outputs>' + message['content']}}{%- set ns.is_tool = false -%}{%- else %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<Assistant>' + content + eos_token}}{%- endif %}{%- endif %}{%- if message['role'] == 'tool' %}{%- set ns.is_tool = true -%}{{ '<Tool>' + message['content'] }}{%- endif %}{%- endfor -%}{% if add_generation_prompt and not ns.is_tool %}{{'<Assistant><think>\\n'}}{% endif %}""",
    "schema macro": """{%- macro type_of(schema, depth=0) -%}
  {%- if schema.type == 'array' -%}
    {{- type_of(schema['items'], depth + 1) ~ '[]' -}}
  {%- elif schema.type is iterable and schema.type is not string -%}
    {{- schema.type | map('upper') | join(' | ') -}}
  {%- elif schema.type == 'object' -%}
    {{- '{' -}}
    {%- for name, property in schema.properties.items() -%}
      {{- '\\n' ~ '  ' * depth ~ name ~ ('' if name in (schema.required or []) else '?') ~ ': ' ~ type_of(property, depth + 1) -}}
      {%- if property.enum %} // {{ property.enum | map('tojson') | join(', ') }}{% endif -%}
      {%- if property.default is defined %} = {{ property.default|tojson }}{% endif -%}
    {%- endfor -%}
    {{- '\\n}' -}}
  {%- else -%}
    {{- schema.type | default('any') -}}
  {%- endif -%}
{%- endmacro -%}
{%- for tool in tools or [] %}
{{ tool.function.name }}: {{ type_of(tool.function.parameters) }}
{% endfor %}""",
}

TOOLS = [
    {"type": "function", "function": {"name": "weather", "description": "Weather \u2014 \"now\"", "parameters": {
        "type": "object", "properties": {
            "city": {"type": "string", "enum": ["R\u00f6m", "<b>"]},
            "days": {"type": "integer", "default": 3, "minimum": 0.5},
            "grid": {"type": "array", "items": {"type": ["number", "null"]}},
        }, "required": ["city"]}, "return": {"type": "string"}}},
    {"type": "function", "function": {"name": "none", "parameters": {"type": "object", "properties": {}}}},
]
CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"id": "abcdefghi", "type": "function", "function": {"name": "weather", "arguments": {"city": "R\u00f6m", "days": 2, "x": [1.0, None, True]}}}]}
CONVERSATIONS = {
    "short": {"messages": [{"role": "user", "content": " Hi\n"}], "add_generation_prompt": True},
    "long": {"messages": [
        {"role": "system", "content": " Be brief. "}, {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "<think>\nsum\n</think>\n\n4"}, {"role": "user", "content": "3+3?"},
        {"role": "assistant", "content": "six", "reasoning_content": "again"},
    ], "add_generation_prompt": False},
    "tools": {"messages": [
        {"role": "user", "content": "Weather?"}, CALL, {"role": "tool", "content": "22\u00b0C"},
        {"role": "tool", "content": "{\"a\": 1}"},
    ], "tools": TOOLS, "add_generation_prompt": True},
    "parts": {"messages": [
        {"role": "user", "content": [{"type": "text", "text": " see "}, {"type": "image"}]},
    ], "add_generation_prompt": True, "enable_thinking": False},
    "roles": {"messages": [
        {"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "critic", "content": "c"},
    ], "add_generation_prompt": True},
}


def render(template, variables):
    # Through JSON, so that both sides get the same values and share no list.
    return environment.from_string(template).render(**json.loads(json.dumps(variables)))


def case(name, template, variables=None):
    result = {"name": name, "template": template}
    if variables is not None:
        result["variables"] = variables
    try:
        result["expected"] = render(template, variables or VARIABLES)
        if " object at 0x" in result["expected"]:
            raise SystemExit(f"{name} prints an address")
    except Exception as error:
        result["error"] = True
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    return result


def cases():
    for expression in EXPRESSIONS:
        yield case(expression, "{{ " + expression + " }}")
    for name, template in TEMPLATES.items():
        if "messages" not in template and "tools" not in template:
            yield case(name, template)
            continue
        for conversation, variables in CONVERSATIONS.items():
            variables = {"tools": None, "bos_token": "<s>", "eos_token": "</s>"} | variables
            yield case(f"{name}: {conversation}", template, variables)


if __name__ == "__main__":
    json.dump({"variables": VARIABLES, "cases": list(cases())}, sys.stdout, indent=1, ensure_ascii=True)
    print()
