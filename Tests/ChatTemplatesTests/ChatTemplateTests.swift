import LockstepChatTemplates
import Testing

@Suite struct ChatTemplateTests {
  private func render(
    _ source: String, _ messages: [ChatMessage] = [], prompt: Bool = false,
    date: TemplateDate? = nil
  ) throws -> String {
    try ChatTemplate(source, name: "t.jinja").render(
      messages, addsGenerationPrompt: prompt, context: ChatTemplate.Context(date: date)
    ).text
  }

  private func failure(_ source: String) -> ChatTemplateError? {
    do {
      _ = try render(source, [ChatMessage(role: "user", content: "x")])
      return nil
    } catch {
      return error as? ChatTemplateError
    }
  }

  @Test(arguments: [
    ("a\n{% include 'x' %}", 2, "the statement 'include'"),
    ("{{ 1 | urlencode }}", 1, "the filter 'urlencode'"),
    ("\n\n{{ 1 is sameas 1 }}", 3, "the test 'sameas'"),
    ("{{ 'a'.zfill(3) }}", 1, "the method 'zfill'"),
    ("{% if x %}{{ x.append(1) }}{% endif %}", 1, "the method 'append'"),
    ("{{ x.__class__ }}", 1, "the attribute '__class__'"),
    ("{% for x in y recursive %}{% endfor %}", 1, "'recursive' loops"),
    ("{{ joiner() }}", 1, "'joiner'"),
    ("{{ f(*x) }}", 1, "'*' in front of an argument"),
    ("{{ 'a' | safe ~ 'b' }}", 1, "the filter 'safe' but at the end of '{{ }}'"),
    ("{{ '%s' % 1 }}", 1, "'%' to format a text"),
    ("{{ x | map('urlize') }}", 1, "the filter 'urlize' in 'map'"),
    ("{{ x.__\u{301}class }}", 1, "the attribute '__\u{301}class'"),
  ])
  func whatIsLackingIsRefusedWhenTheTemplateIsRead(
    _ source: String, _ line: Int, _ what: String
  ) throws {
    let error = #expect(throws: ChatTemplateError.self) {
      try ChatTemplate(source, name: "t.jinja")
    }
    #expect(error?.kind == .lacking)
    #expect(error?.line == line)
    #expect(error?.reason == what)
  }

  @Test(arguments: [
    (
      "{% macro m(x) %}\n{% generation %}{{ x }}{% endgeneration %}{% endmacro %}{{ m(1) }}", 2,
      "'{% generation %}' in a macro"
    ),
    (
      "{% set x %}{% if 1 %}{% generation %}\n1{% endgeneration %}{% endif %}{% endset %}{{ x }}",
      1,
      "'{% generation %}' in a block of 'set'"
    ),
  ])
  func aTemplateThatMarksAValueIsRenderedButNotLearnedBy(
    _ source: String, _ line: Int, _ what: String
  ) throws {
    let template = try ChatTemplate(source, name: "t.jinja")
    let error = #expect(throws: ChatTemplateError.self) { try template.requireGenerationPlaces() }
    #expect(error?.kind == .lacking && error?.line == line && error?.reason == what)
    #expect(try template.render([], addsGenerationPrompt: false).text == "1")
  }

  @Test func whatIsGeneratedMayBeMadeOfMacrosAndBlocks() throws {
    let template = try ChatTemplate(
      """
      {%- macro m(x) %}<{{ x }}>{% endmacro %}{% set y %}[é]{% endset -%}
      é{% generation %}{{ m('a') ~ y }}{% set z %}b{% endset %}{{ z }}{% endgeneration %}c
      """, name: "t.jinja")
    let rendering = try template.render([], addsGenerationPrompt: false)
    #expect(rendering.text == "é<a>[é]bc")
    #expect(rendering.generated == [2..<10])
    #expect(throws: Never.self) { try template.requireGenerationPlaces() }
  }

  @Test(arguments: [
    "{{ 1", "{% if %}{% endif %}", "{% if x %}", "{% endif %}", "{{ 'a }}", "{{ (1 }}", "{{ ) }}",
    "{% for x %}{% endfor %}", "{% break %}", "{# a", "{{ 1 2 }}", "{% set 1 = 2 %}",
    "{{ 'x' 1a }}",
    "{% set true = 1 %}", "{{ }}", "{% macro m(a=1, b) %}{% endmacro %}", "{% unknown %}",
    "{% generation %}",
  ])
  func whatIsNoTemplateIsRefused(_ source: String) {
    let error = #expect(throws: ChatTemplateError.self) {
      try ChatTemplate(source, name: "t.jinja")
    }
    #expect(error?.kind == .syntax)
  }

  @Test(arguments: [
    "{{ missing.name }}", "{{ 1 + 'a' }}", "{{ 1 / 0 }}", "{{ missing() }}", "{{ none | length }}",
    "{% set x.y = 1 %}", "{{ 'a' < 1 }}", "{{ {[]: 1} }}", "{{ range(10 ** 9) }}",
    "{% set a, b = [1] %}", "{% macro m() %}{% endmacro %}{{ m(1) }}", "{{ missing | int }}",
  ])
  func whatCannotBeComputedIsAnError(_ source: String) {
    #expect(failure(source)?.kind == .evaluation)
  }

  @Test func aTemplateRefusesAConversationInItsOwnWords() {
    let error = failure("\n{{ raise_exception('roles must alternate') }}")
    #expect(
      error?.description
        == "t.jinja: line 2: the template refuses the conversation: roles must alternate")
  }

  @Test(arguments: [
    // Steps, text, depth of calls, of values, and of what is written.
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{{ 'x' * (10 ** 12) }}",
    "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set ns = namespace(x=[]) %}{% for a in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
      + "{{ ns.x == ns.x }}",
    "{{ " + String(repeating: "(", count: 4000) + "1" + String(repeating: ")", count: 4000) + " }}",
    "{{ " + String(repeating: "not ", count: 4000) + "1 }}",
    "{{ 1" + String(repeating: " + 1", count: 4000) + " }}",
    String(repeating: "{% if true %}", count: 4000),
    "{{ [1] * (10 ** 15) }}", "{{ 'a' | indent(10 ** 15) }}",
    "{{ [[]] | tojson(indent=10 ** 15) }}",
    "{% set x = 'a' * 1000000 %}{{ x.replace('a', x) }}",
    "{{ x" + String(repeating: ".a", count: 4000) + " }}",
  ])
  func noTemplateTakesWithoutEnd(_ source: String) {
    #expect(failure(source)?.kind == .limit)
  }

  /// Whether anyone asks for their elements or not: the last is only forgotten.
  @Test func filtersThatWaitForEachOtherAreCounted() {
    for (chain, count, asking) in [
      ("{% set x = x | select %}", 5000, "{{ x | first }}"),
      ("{% set x = x | unique %}", 5000, "{{ x | first }}"),
      ("{% set x = [''] | map('default', x, true) %}", 20_000, ""),
    ] {
      let source = "{% set x = [1] %}" + String(repeating: chain, count: count) + asking
      #expect(failure(source)?.kind == .limit)
    }
    let few = String(repeating: "{% set x = x | select %}", count: 60)
    #expect(failure("{% set x = [1] %}" + few + "{{ x | first }}") == nil)
  }

  /// Texts that are made of several, and long keys and names, are counted before they are made or compared. What is
  /// not counted would end here without an error, or take more memory than there is.
  @Test(arguments: [
    "{% set y = ([x] * 200000) | join %}", "{% set y = ([1] * 200000) | join(x) %}",
    "{% set y = ''.join([x] * 200000) %}", "{% set y = x.join(['a'] * 200000) %}",
    "{% set y = x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ (1 / 0) %}",
    "{% set y = ('\\n' * 600000).splitlines() %}", "{% set y = ('\\n' * 600000) | indent(0) %}",
    "{% set y = ([1] * 20) | tojson(separators=(x, ':')) %}",
    "{% set y = {1: 2} | tojson(separators=(',', x ~ x ~ x ~ x ~ x ~ x ~ x ~ x ~ x)) %}",
    "{% for a in range(20) %}{% set y = {x: 1} %}{% endfor %}",
    "{% for a in range(20) %}{% set y = dict([(x, 1)]) %}{% endfor %}",
    "{% for a in range(20) %}{% set y = x in {} %}{% endfor %}",
    "{% for a in range(20) %}{% set y = ((1, x), 2) in {} %}{% endfor %}",
    "{% for a in range(20) %}{% set y = {}[x] %}{% endfor %}",
    "{% for a in range(20) %}{% set y = {}.get(x) %}{% endfor %}",
    "{% for a in range(20) %}{% set y = namespace({x: 1}) %}{% endfor %}",
    "{% set y = ([x] * 20) | unique(true) | list %}", "{% set y = [1] | map(attribute=x) | list %}",
    "{% for a in range(20) %}{% set y = x | int %}{% endfor %}",
    "{% for a in range(20) %}{% set y = x is lower %}{% endfor %}",
    "{% for a in range(20) %}{% set y = 'a'.strip(x) %}{% endfor %}",
    "{% for a in range(20) %}{% set y = 'a' | trim(x) %}{% endfor %}",
    "{% set ns = namespace(t=(1, 2)) %}"
      + "{% for a in range(22) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}{% set y = ns.t in {} %}",
    "{% for a in range(20) %}{% set y = " + String(repeating: "n", count: 900_000)
      + " %}{% endfor %}",
  ])
  func whatIsMadeOfLongTextsIsCountedBefore(_ source: String) {
    // Few steps are left, so that little is computed until there is none.
    let beginning = "{% set x = 'a' * 1000000 %}{% set w = x * 120 %}"
    #expect(failure(beginning) == nil)
    #expect(failure(beginning + source)?.kind == .limit)
  }

  @Test func allSpecialTokensAreDefinedAndNoOthers() throws {
    let template = try ChatTemplate(
      "{{ bos_token }}{{ pad_token }}{{ unk_token }}{{ mask_token is defined }}{{ sep_token }}.",
      name: "t.jinja")
    let context = ChatTemplate.Context(
      specialTokens: ["bos_token": "<s>", "pad_token": "<pad>", "unk_token": "<unk>"])
    #expect(
      try template.render([], addsGenerationPrompt: false, context: context).text
        == "<s><pad><unk>False.")
  }

  @Test func whatCouldContainItselfIsRefused() {
    #expect(failure("{% set ns = namespace() %}{% set ns.x = ns %}")?.kind == .lacking)
    #expect(failure("{% set ns = namespace() %}{{ [ns] }}")?.kind == .lacking)
  }

  @Test func textsAreNotFormatted() {
    #expect(failure("{% set x = 'a' %}{{ x % 1 }}")?.kind == .lacking)
    #expect(failure("{% set x = 'a' %}{{ x % missing }}")?.kind == .lacking)
  }

  /// An accent behind a sign makes one of Swift's characters of both, and two of Python's.
  @Test func signsAreFoundBeforeAccents() throws {
    #expect(failure("{% set ns = namespace() %}{% set ns._\u{301}x = 1 %}")?.kind == .lacking)
    #expect(failure("{% set ns = namespace({'_\u{301}x': 1}) %}")?.kind == .lacking)
    #expect(
      try render(
        "{{ [{'a': {'\u{301}b': 'found'}}] | map(attribute='a.\u{301}b') | join }}") == "found")
  }

  @Test func theDateIsTheGivenOne() throws {
    let format = "{{ strftime_now('%A %a %d %-d %e %B %b %m %Y %y %j %H:%M:%S %p %%') }}"
    #expect(
      try render(format, date: TemplateDate("2024-02-09"))
        == "Friday Fri 09 9  9 February Feb 02 2024 24 040 00:00:00 AM %")
    #expect(
      try render("{{ strftime_now('%a %j') }}", date: TemplateDate("2000-12-31")) == "Sun 366")
    #expect(failure(format)?.kind == .evaluation)
    #expect(TemplateDate("2023-02-29") == nil)
    #expect(TemplateDate("2024-2-9") == nil)
  }

  @Test func aVariableOfALoopEndsWithItsRound() throws {
    #expect(
      try render(
        "{% set x = 1 %}{% for a in [1, 2] %}{{ x }}{% set x = x + a %}{{ x }} {% endfor %}{{ x }}")
        == "12 13 1")
  }

  @Test(arguments: ChatTemplate.builtInNames)
  func builtInTemplatesWriteWhatTheirFormatsAre(_ name: String) throws {
    let template = try #require(try ChatTemplate.builtIn(name))
    let rendering = try template.render(
      [
        ChatMessage(role: "system", content: "S"), ChatMessage(role: "user", content: "U"),
        ChatMessage(role: "assistant", content: "A"), ChatMessage(role: "user", content: "V"),
      ], addsGenerationPrompt: true,
      context: ChatTemplate.Context(specialTokens: ["bos_token": "<s>", "eos_token": "</s>"]))
    let expected = [
      "chatml": """
      <|im_start|>system
      S<|im_end|>
      <|im_start|>user
      U<|im_end|>
      <|im_start|>assistant
      A<|im_end|>
      <|im_start|>user
      V<|im_end|>
      <|im_start|>assistant

      """,
      "llama-3": """
      <s><|start_header_id|>system<|end_header_id|>

      S<|eot_id|><|start_header_id|>user<|end_header_id|>

      U<|eot_id|><|start_header_id|>assistant<|end_header_id|>

      A<|eot_id|><|start_header_id|>user<|end_header_id|>

      V<|eot_id|><|start_header_id|>assistant<|end_header_id|>


      """,
      "mistral": """
      <s>[INST] S

      U [/INST] A</s>[INST] V [/INST]
      """,
      "plain": """
      S

      User: U
      Assistant: A</s>
      User: V
      Assistant:
      """,
    ]
    #expect(rendering.text == expected[name])
    let bytes = Array(rendering.text.utf8)
    let ends = ["chatml": "A<|im_end|>", "llama-3": "A<|eot_id|>"]
    #expect(
      rendering.generated.map { String(decoding: bytes[$0], as: UTF8.self) }
        == [ends[name] ?? " A</s>"])
    let endings = ["chatml": "<|im_end|>", "llama-3": "<|eot_id|>"]
    #expect(
      try template.ending(context: ChatTemplate.Context(specialTokens: ["eos_token": "</s>"]))
        == endings[name] ?? "</s>")
  }

  /// Whatever the bytes, a template is read or refused, and rendering it ends.
  @Test func anyBytesSurvive() {
    let source = """
      {%- set ns = namespace(a=0) %}{% macro m(a, b='x') %}[{{ a ~ b }}]{% endmacro %}
      {%- for message in messages if message.role != 'no' %}{{ m(message.content | trim)[1:-1] }}
      {%- set ns.a = ns.a + loop.index0 % 3 %}{% endfor %}{{ {'k': [1, 2.5]} | tojson(indent=2) }}
      """
    var generator = SystemRandomNumberGenerator()
    let alphabet = Array("{}%#-+|.,()[]'\"\\ \nabcx019_~*/=<>é".utf8) + [0, 0x80, 0xFF]
    for _ in 0..<2000 {
      var bytes = Array(source.utf8)
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[place] = alphabet.randomElement(using: &generator) ?? 0
        case 1: bytes.remove(at: place)
        default: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: place)
        }
      }
      _ = failure(String(decoding: bytes, as: UTF8.self))
    }
  }
}
