// Package tokenizer turns text into token ids and back, exactly as the
// Hugging Face tokenizers library does for the same tokenizer.json.
//
// A [Tokenizer] is what that file says, step by step: added tokens are cut out of the
// text before anything else happens to it, the rest is normalized and cut into pieces,
// and a model makes ids of each piece:
//
//   - words ("WordLevel"): a piece is one id. [NewWordLevel] makes such a tokenizer from
//     a list of words; it is meant for small experiments, where Encode(Decode(ids))
//     gives back the ids.
//   - pairs ("BPE"): the bytes of a piece, in GPT-2, Qwen, Llama 3 and SmolLM2, or its
//     characters, in Mistral, Llama 2 and Gemma, are merged pair by pair. Characters
//     that the vocabulary lacks become the tokens of their bytes, or the unknown token.
//
// A decoder makes text of the tokens again.
//
// [Open] and [Parse] read a tokenizer.json, [Tokenizer.Encode] and [Tokenizer.Decode]
// use it, [Tokenizer.AddSpecial] adds tokens such as "<|reflect|>", and [Tokenizer.Save]
// writes a file that the original library reads with the same ids. Text to train on goes
// through [Tokenizer.EncodeStrict], which loses nothing without an error. Chat templates
// are in package chat; package sugarme has the same tokenizer in another library's type.
//
// It differs from the original in these ways:
//
//   - A field, or a value of a field, that is not supported is refused by name
//     when the file is read. Patterns are matched by hand-written scanners, so
//     only those of GPT-2, Qwen2.5 and Llama 3 are known. Models other than those two,
//     truncation, padding, dropout, and normalizers other than NFC, Prepend, Replace of a
//     string and sequences of these are not supported.
//   - The library numbers added tokens itself and ignores the ids in the file.
//     Here a file where the two disagree is refused, and so are ids with gaps.
//   - Encode leaves out a word that the vocabulary lacks, if there is no unknown token;
//     of a WordLevel model the library refuses the whole text. (A byte that a BPE
//     vocabulary lacks it leaves out too.)
//   - Text that is not UTF-8, which the library cannot be given, is read as Rust's
//     from_utf8_lossy reads it.
//   - Post-processors are kept when the file is saved, but Encode never adds the
//     tokens of a template.
//   - Where the library panics, in the Strip decoder on short tokens, this one does not.
//
// What counts as a letter, a digit or a part of a word follows the library's tables,
// which are those of Unicode 16, and of 17 for the Digits pre-tokenizer; normalization
// follows Unicode 9, as there. TestClasses asks for every character.
//
// Keep the ids that a model generated: encoding the text of a completion again need not
// give them back.
package tokenizer
