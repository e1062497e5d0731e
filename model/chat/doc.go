// Package chat renders the chat templates of published models: the text that a model
// was trained to see for a list of messages.
//
// [Open] reads the template of a model directory, [Template.Render] makes the text, and
// the tokenizer's Encode makes ids of it: markers such as <|im_start|> become single
// ids, and none is added. Text of strangers inside a message can hold such markers too;
// a caller that fears them has to take them out first, as with the original.
//
// A chat template is a program in Jinja2's language. This package has the part of it
// that the templates of Llama, Qwen, SmolLM and their like use, in the setting that the
// transformers library gives them (trim_blocks, lstrip_blocks, loop controls, tojson
// without HTML escapes, raise_exception, strftime_now, the generation tag):
//
//   - statements: for (with if and else), break, continue, if, set (of names, of
//     attributes of a namespace, and of blocks), macro, raw, generation;
//   - expressions: all operators, slices, calls with named arguments, and the filters,
//     tests and methods of internal/jinja.
//
// Anything else is refused when the template is read, by line and name; it never renders
// as something else. It differs from Python in these ways: integers have 64 bits, map
// and select make lists, and a dictionary made from a Go map is in the order of its
// keys. Give a json.RawMessage or a struct where the order counts, as it does for tools.
//
// It is written anew since no Go library is exact: github.com/nikolalohinski/gonja/v2
// v2.9.1 renders 87 of the 275 cases in testdata that use published templates otherwise
// than Jinja2, all with tools or an error, and 19 of 46 small ones.
package chat
