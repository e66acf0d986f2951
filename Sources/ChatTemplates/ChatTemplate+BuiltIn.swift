extension ChatTemplate {
  /// The templates that models without one can be given, by name.
  public static let builtInNames = ["chatml", "llama-3", "mistral", "plain"]

  /// A built-in template.
  ///
  /// - Parameter name: One of ``builtInNames``.
  /// - Returns: nil where there is none of this name.
  /// - Throws: `ChatTemplateError`, which would be a mistake in the template.
  public static func builtIn(_ name: String) throws(ChatTemplateError) -> ChatTemplate? {
    guard let source = sources[name] else { return nil }
    return try ChatTemplate(source, name: name)
  }

  /// Each marks with `generation` what a model is to write, its end included.
  private static let sources = [
    "chatml": """
    {%- for message in messages %}
      {{- '<|im_start|>' ~ message.role ~ '\\n' }}
      {%- if message.role == 'assistant' %}
        {%- generation %}{{ message.content ~ '<|im_end|>' }}{% endgeneration %}
      {%- else %}
        {{- message.content ~ '<|im_end|>' }}
      {%- endif %}
      {{- '\\n' }}
    {%- endfor %}
    {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
    """,
    "llama-3": """
    {{- bos_token }}
    {%- for message in messages %}
      {{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\\n\\n' }}
      {%- if message.role == 'assistant' %}
        {%- generation %}{{ (message.content | trim) ~ '<|eot_id|>' }}{% endgeneration %}
      {%- else %}
        {{- (message.content | trim) ~ '<|eot_id|>' }}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
    {%- endif %}
    """,
    "mistral": """
    {{- bos_token }}
    {%- set told = namespace(system='') %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- if not loop.first %}{{ raise_exception('a system message stands first') }}{% endif %}
        {%- set told.system = message.content ~ '\\n\\n' %}
      {%- elif message.role == 'user' %}
        {{- '[INST] ' ~ told.system ~ message.content ~ ' [/INST]' }}
        {%- set told.system = '' %}
      {%- elif message.role == 'assistant' %}
        {%- generation %}{{ ' ' ~ (message.content | trim) ~ eos_token }}{% endgeneration %}
      {%- else %}
        {{- raise_exception('the roles are system, user and assistant') }}
      {%- endif %}
    {%- endfor %}
    """,
    "plain": """
    {%- for message in messages %}
      {%- if message.role == 'assistant' %}
        {{- 'Assistant:' }}
        {%- generation %}{{ ' ' ~ (message.content | trim) ~ eos_token }}{% endgeneration %}
        {{- '\\n' }}
      {%- elif message.role == 'user' %}
        {{- 'User: ' ~ (message.content | trim) ~ '\\n' }}
      {%- else %}
        {{- (message.content | trim) ~ '\\n\\n' }}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}
    """,
  ]
}
