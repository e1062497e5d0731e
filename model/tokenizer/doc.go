// Package tokenizer turns text into token ids and back, exactly as the
// Hugging Face tokenizers library does for the same tokenizer.json.
//
// A [Tokenizer] does what that file says, in these steps. Encode cuts the added tokens out of
// the text before anything else happens to it. It normalizes the rest and cuts it into pieces.
// A model then makes ids of each piece:
//
//   - words ("WordLevel"): a piece is one id. [NewWordLevel] makes such a tokenizer from a
//     list of words. It is for small experiments, where Encode(Decode(ids)) gives back the ids.
//   - pairs ("BPE"): the symbols of a piece are merged pair by pair. The symbols are its bytes
//     in GPT-2, Qwen, Llama 3 and SmolLM2, and its characters in Mistral, Llama 2 and Gemma. A
//     character that the vocabulary lacks becomes the tokens of its bytes, or the unknown token.
//
// A decoder makes text of tokens again.
//
// # Use
//
// [Open] and [Parse] read a tokenizer.json. [Tokenizer.Encode] and [Tokenizer.Decode] convert
// text and ids. [Tokenizer.AddSpecial] adds tokens such as "<|reflect|>". [Tokenizer.Save]
// writes a file that the original library reads with the same ids. Encode text for training
// with [Tokenizer.EncodeStrict], which returns an error where Encode would lose a part of it.
//
// Keep the ids that a model generated: encoding the text of a completion again need not give
// the same ids.
//
// Package chat has chat templates. Package sugarme has the same tokenizer in the type of another
// library.
//
// # Differences from the original library
//
//   - A field, or a value of a field, that is not supported is refused by name when the file is
//     read. Patterns are matched by hand-written scanners, so only those of GPT-2, Qwen2.5 and
//     Llama 3 are known. Not supported are models other than the two above, truncation, padding,
//     dropout, and normalizers other than NFC, Prepend, Replace of a string and sequences of
//     these.
//   - The library numbers added tokens itself and ignores the ids in the file. This package
//     refuses a file where the two differ, and ids with gaps.
//   - Encode leaves out a word that the vocabulary lacks where there is no unknown token. The
//     library refuses the whole text for a WordLevel model, and leaves out a byte that a BPE
//     vocabulary lacks.
//   - Text that is not UTF-8 reads as Rust's from_utf8_lossy reads it. The library takes no such
//     text.
//   - Save keeps post-processors, but Encode never adds the tokens of a template.
//   - The library panics in the Strip decoder on short tokens. This package does not.
//
// Letters, digits and parts of words are those of the library's tables: Unicode 16, and 17 for
// the Digits pre-tokenizer. Normalization follows Unicode 9, as there. TestClasses compares
// every character.
package tokenizer
