// Package tasks holds two small domains that show the effects of Satori (arXiv 2502.02508)
// within minutes. The problems are data. Programs check, solve and criticise them, where the
// paper uses language models.
//
// A [Task] is a domain. Its Check judges the last box of an attempt. Its Generate and Critic
// are the agents of package synth. Its Drill makes lines that train a base model: the model
// then knows the task's facts, but no search. [For] finds the task of a question.
//
// [PathStar], the main example, asks for the way from the centre of a star graph to the end
// of one of its arms (Bachmann and Nagarajan, arXiv 2403.06963). Every step but the first is
// a look-up. The first step needs the whole arm, so a model that copies solutions can only
// guess it. A model that tries an arm, checks its end and tries another arm can be right:
//
//	| 35 7 | 25 4 | 25 35 | 22 28 | 7 12 | 4 22 / 25 12 =
//	25 4 <|continue|> 4 22 <|continue|> 22 28 <|reflect|> 28 is not 12 <|explore|> 25 35 <|continue|>
//	35 7 <|continue|> 7 12 <|reflect|> 12 is 12 <|continue|> \boxed{ 25 35 7 12 }
//
// [Countdown] asks for an expression of three numbers whose value is a target:
//
//	12 11 9 make 33 :
//	12 + 9 = 21 <|continue|> 21 - 11 = 10 <|reflect|> 10 is not 33 <|explore|> 12 - 9 = 3 <|continue|>
//	11 * 3 = 33 <|reflect|> 33 is 33 <|continue|> \boxed{ 11 * ( 12 - 9 ) }
//
// Single spaces separate all words and special tokens, so a tokenizer only has to split at
// white space.
//
// # Where the agents differ from the paper's
//
// In the paper's demonstrations an answer is right after a fixed number of mistakes: none,
// one or two. A small model learns that place instead of checking. So the agents here make
// the number of mistakes hard to predict:
//
//   - The generator may check and explore by itself, in a first solution and in a
//     continuation.
//   - Hints are not always good.
//   - A solution tries nothing twice.
//   - After a correction the generator verifies a right result before it boxes it.
//   - Arms are tried in the order in which the question lists them, so that a small model can
//     tell which it has tried. It still has to learn when to check and when to go on.
//   - The critics say exactly what is wrong, but choose at random where they say it. They
//     reflect on a wrong answer at its box (nine times in ten) or at the step before. They
//     verify an answer that was right at once after its box (four times in five) or before it.
//     After the former the box is repeated, so that models learn to keep a right answer.
//   - The first mistake of a demonstration of type II-II is one that the verification finds.
//     Types II-II and III-II need two wrong ways, so a star of two arms has neither.
//
// The README.md beside each data set names its origin and licence.
package tasks
