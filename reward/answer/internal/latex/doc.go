// Package latex reads an answer that is written in LaTeX, in plain text or in both, as
// a tree.
//
// [Lex] cuts an answer into tokens, and [Parse] makes a tree of [Node] of them by
// recursive descent. Answers in words have no tree: [IsWord], [HasWord], [Text], [Letter]
// and [Choice] deal with their tokens. The package does no arithmetic and compares no
// values.
package latex
