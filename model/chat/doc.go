// Package chat renders the chat templates of published models. A model was trained on
// messages in the form that its template gives them.
//
// [Open] reads the template of a model directory. [Template.Render] writes the text of a
// chat, and [Template.ForStarts] makes the template that training takes. The tokenizer's
// Encode turns a marker such as <|im_start|> in the text into a single id, and adds no id
// itself. The text of a message can contain markers too. A program that does not trust a
// message must remove them first, as with transformers.
//
// A chat template is a program in the language of Jinja2. This package supports the part
// that the templates of Llama, Qwen, SmolLM and similar models use. It uses the settings of
// transformers: trim_blocks, lstrip_blocks, loop controls, tojson without HTML escapes,
// raise_exception, strftime_now and the generation tag. It supports
//
//   - the statements for (with if and else), break, continue, if, set (of names, of
//     attributes of a namespace, and of blocks), macro, raw and generation;
//   - all operators, slices, calls with named arguments, and the filters, tests and
//     methods that internal/jinja lists.
//
// Everything else is an error when the template is parsed, with the line and the name.
// There are three differences from Python. Integers have 64 bits. The filters map and
// select return lists. A dictionary that is made from a Go map has its keys in sorted
// order; pass a json.RawMessage or a struct if the order matters, as it does for tools.
//
// The interpreter exists because no Go library is exact. github.com/nikolalohinski/gonja/v2
// v2.9.1 renders 87 of the 275 cases in testdata with published templates differently from
// Jinja2, and 19 of 46 small ones. The 87 cases have tools or end in an error.
package chat
