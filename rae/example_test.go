package rae_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/rae"
)

// Two attempts at one problem become a state of D+ and one of D−.
func Example() {
	problem := coat.Problem{ID: "1", Question: "| 20 40 | 40 29 | 20 10 | 10 9 / 20 9 =", Answer: "20 10 9"}
	start := coat.Start{Problem: problem}
	var attempts iter.Seq2[coat.Attempt, coat.Outcome] = func(yield func(coat.Attempt, coat.Outcome) bool) {
		_ = yield(coat.Attempt{Start: start, Text: `20 10 <|continue|> 10 9 <|continue|> \boxed{ 20 10 9 }`}, coat.Right) &&
			yield(coat.Attempt{Start: start, Text: `20 40 <|continue|> 40 29 <|continue|> \boxed{ 20 40 29 }`}, coat.Wrong)
	}
	buffer, err := rae.Build(attempts, rae.Config{Seed: 1})
	if err != nil {
		panic(err)
	}
	fresh := slices.Values([]coat.Start{start})
	for s := range buffer.Mix(fresh, rae.Shares{}, rand.New(rand.NewPCG(1, 2))) {
		fmt.Printf("%v %q\n", s.Prior, s.Prefix.String())
	}
	// Output:
	// right "20 10 <|continue|> 10 9 <|reflect|>"
	// original ""
	// wrong "20 40 <|continue|> 40 29 <|reflect|>"
}

// A second attempt is asked for where nothing is cut.
func ExampleCut() {
	attempt := coat.Attempt{Text: `20 40 <|continue|> \boxed{ 20 40 }`}
	for back := range 3 {
		start, err := rae.Cut(attempt, coat.Wrong, back)
		if err != nil {
			panic(err)
		}
		fmt.Println(start.Prefix)
	}
	// Output:
	// 20 40 <|continue|> \boxed{ 20 40 } <|reflect|>
	// 20 40 <|reflect|>
	// 20 40 <|reflect|>
}
