// Package tokenizer turns text into token ids and back, exactly as the
// Hugging Face tokenizers library does for the same tokenizer.json.
//
// A [Tokenizer] is a vocabulary, the added tokens that are cut out of the text
// before anything else happens to it, and one of two models for the rest:
//
//   - words ("WordLevel"): text is cut at white space and every word is one id.
//     [NewWordLevel] makes such a tokenizer from a list of words; it is meant for
//     small experiments, where Encode(Decode(ids)) gives back the ids.
//   - byte-level pairs ("BPE"): text is cut by a pattern, and the bytes of each
//     piece are merged pair by pair. This is what GPT-2, Qwen2.5 and Llama 3 use.
//
// [Open] and [Parse] read a tokenizer.json, [Tokenizer.AddSpecial] adds tokens
// such as "<|reflect|>" to it, and [Tokenizer.Save] writes a file that the
// original library reads with the same ids.
//
// It differs from that library in these ways:
//
//   - A field, or a value of a field, that is not supported is refused by name
//     when the file is read. Patterns are matched by hand-written scanners, so
//     only those of GPT-2, Qwen2.5 and Llama 3 are known.
//   - The library numbers added tokens itself and ignores the ids in the file.
//     Here a file where the two disagree is refused.
//   - Text that the vocabulary cannot spell is an error; the library silently
//     drops a byte that a BPE vocabulary lacks.
//   - Post-processors are kept when the file is saved, but Encode never adds the
//     tokens of a template.
//   - What counts as a letter or a digit follows the Unicode tables of Go (15.0 as
//     of Go 1.26; the library has those of 16). Normalization follows the tables of
//     the library, which are those of Unicode 9.
//
// Keep the ids that a model generated: encoding the text of a byte-level
// completion again need not give them back.
package tokenizer
