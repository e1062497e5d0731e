// Package tasks holds two small domains on which the method of Satori (arXiv
// 2502.02508) can be seen at work in minutes: problems as data, and programs that
// check, solve and criticise them in place of the paper's language models.
//
// A [Task] is a domain. Its Check judges the last box of an attempt; its Generate
// and Critic are the agents of package synth; its Drill makes lines for training a
// base model that knows the task's facts but no search. [For] finds the task of a
// question.
//
// [PathStar], the main example, asks for the way from the centre of a star graph to
// the end of one of its arms (Bachmann and Nagarajan, arXiv 2403.06963). Every step
// but the first is a look-up; the first needs the whole arm, so a model that copies
// solutions can only guess it, and one that tries an arm, checks its end and tries
// another can be right:
//
//	| 35 7 | 25 4 | 25 35 | 22 28 | 7 12 | 4 22 / 25 12 =
//	25 4 <|continue|> 4 22 <|continue|> 22 28 <|reflect|> 28 is not 12 <|explore|> 25 35 <|continue|>
//	35 7 <|continue|> 7 12 <|reflect|> 12 is 12 <|continue|> \boxed{ 25 35 7 12 }
//
// [Countdown] asks for an expression of three numbers that comes to a target:
//
//	12 11 9 make 33 :
//	12 + 9 = 21 <|continue|> 21 - 11 = 10 <|reflect|> 10 is not 33 <|explore|> 12 - 9 = 3 <|continue|>
//	11 * 3 = 33 <|reflect|> 33 is 33 <|continue|> \boxed{ 11 * ( 12 - 9 ) }
//
// Words, special tokens among them, are separated by single spaces, so a tokenizer
// need only split at white space.
//
// # Where the agents differ from the paper's
//
// The paper's shapes, followed to the letter, teach a small model at which place an
// answer is right: after one mistake, or two. So the agents make the number of
// mistakes hard to foresee. The generator may check and explore by itself, in a
// first solution as in a continuation; hints are not always good; nothing is tried
// twice in one solution; after a correction a hit is verified before it is boxed.
// Arms are tried in the order in which the question lists them, so that a small model
// can tell what it has tried: what is left to learn is when to check and when to go on.
// The critics are exact in what they say and random in where: a wrong answer is
// reflected upon at its box or at the step before it, and a right one is in half
// of the cases verified after its box, which then stands again, so that models learn
// to keep what is right. The first mistake of a demonstration of type II-II is one
// that the verification finds. Types II-II and III-II need two wrong ways, so a star
// of two arms has neither.
//
// Origin and licence of the data: see README.md beside it.
package tasks
