package sft_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sft"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/model/train"
)

// newLM makes a small model that knows the words a to h and the meta-actions.
func newLM(fatal func(...any)) *model.LM {
	b, err := model.OpenBackend("go")
	if err != nil {
		fatal(err)
	}
	tok, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> a b c d e f g h"), coat.Actions{}.Tokens())
	if err != nil {
		fatal(err)
	}
	net, err := model.NewNet(b, model.Config{VocabSize: tok.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 1, InitRange: 0.2, Tied: true}, 3)
	if err != nil {
		fatal(err)
	}
	lm, err := model.NewLM(net, tok)
	if err != nil {
		fatal(err)
	}
	return lm
}

// demos ask for a word and answer with the two after it.
func demos(n int) (list []coat.Demo) {
	words := strings.Fields("a b c d e f g h")
	for i := range n {
		trace, err := coat.Parse(words[(i+1)%8] + " <|continue|> " + words[(i+2)%8])
		if err != nil {
			panic(err)
		}
		list = append(list, coat.Demo{Problem: coat.Problem{ID: fmt.Sprint(i), Question: words[i%8], Answer: "-"}, Trace: trace})
	}
	return list
}

func Example() {
	lm := newLM(func(v ...any) { panic(fmt.Sprint(v...)) })
	config := sft.Config{LearningRate: 1e-2, Batch: 8, Epochs: 12}
	for step, err := range sft.Train(context.Background(), lm, coat.Bare, demos(64), config) {
		if err != nil {
			panic(err)
		}
		if step.Step == step.Of {
			fmt.Println(step.Step, "updates, below a tenth of a nat:", step.Loss < 0.1)
		}
	}
	prompt, _ := lm.Prompt(coat.Bare, coat.Start{Problem: coat.Problem{Question: "c"}})
	done, _ := lm.Sample(context.Background(), model.Request{Prompt: prompt, MaxTokens: 8})
	fmt.Println(lm.Response(done[0].Tokens))
	// Output:
	// 96 updates, below a tenth of a nat: true
	// d <|continue|> e
}

// The loss is the mean over response tokens, so it is what TokenLogProbs says, whatever
// the padding and the cut into micro-batches.
func TestLossIsMeanOverResponseTokens(t *testing.T) {
	lm := newLM(t.Fatal)
	list := demos(8)
	list[3].Trace = coat.Trace{{Text: "a a a a a a a a"}}
	list[5].Trace = coat.Trace{{Text: strings.Repeat("b ", 40)}}
	var rows [][]int32
	var prompts []int
	for _, d := range list {
		ids, n, err := lm.Encode(coat.Bare, coat.Attempt{Start: coat.Start{Problem: d.Problem}, Text: d.Trace.String()})
		require.NoError(t, err)
		if ids[len(ids)-1] != 1 || n != 1 {
			t.Fatalf("row %v, prompt %d", ids, n)
		}
		rows, prompts = append(rows, ids), append(prompts, n)
	}
	logp, err := lm.TokenLogProbs(context.Background(), rows, 1)
	require.NoError(t, err)
	sum, count := 0.0, 0.0
	for i, row := range logp {
		for _, x := range row[prompts[i]:] {
			sum -= float64(x)
			count++
		}
	}
	for _, batch := range []int{8, 16} {
		for step, err := range sft.Train(context.Background(), lm.Clone(), coat.Bare, list, sft.Config{LearningRate: 1e-3, Batch: batch}) {
			require.NoError(t, err)
			if math.Abs(step.Loss-sum/count) > 1e-5 {
				t.Errorf("batch %d: loss %g, want %g", batch, step.Loss, sum/count)
			}
		}
	}
}

// A zero is sayable: without a warm-up the first update has the highest rate, and the rate can
// fall to 0.
func TestNoWarmup(t *testing.T) {
	c := sft.Config{LearningRate: 1e-3, Batch: 8, Epochs: 2, WarmupRatio: train.Frac(0), MinLRRatio: train.Frac(0)}
	var rates []float64
	for step, err := range sft.Train(context.Background(), newLM(t.Fatal), coat.Bare, demos(16), c) {
		require.NoError(t, err)
		rates = append(rates, step.Rate)
	}
	if len(rates) != 4 || rates[0] != 1e-3 || rates[3] > 0.2e-3 {
		t.Errorf("rates %v", rates)
	}
}

func TestErrors(t *testing.T) {
	lm := newLM(t.Fatal)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	long := demos(1)
	long[0].Trace = coat.Trace{{Text: strings.Repeat("a ", 100)}}
	word := demos(1)
	word[0].Trace = coat.Trace{{Text: "zebra"}}
	for _, c := range []struct {
		name, want string
		ctx        context.Context
		demos      []coat.Demo
		config     sft.Config
	}{
		{"nothing", "there are no demonstrations", context.Background(), nil, sft.Config{LearningRate: 1}},
		{"rate", "LearningRate is 0", context.Background(), demos(1), sft.Config{}},
		{"cancelled", "canceled", cancelled, demos(1), sft.Config{LearningRate: 1}},
		{"long", `problem "0": demonstration of 102 tokens, at most 64 fit`, context.Background(), long, sft.Config{LearningRate: 1}},
		{"word", `problem "0": response`, context.Background(), word, sft.Config{LearningRate: 1}},
		{"diverged", "not finite", context.Background(), demos(64), sft.Config{LearningRate: 1e30, Batch: 8, Epochs: 3}},
	} {
		var last error
		for _, err := range sft.Train(c.ctx, lm.Clone(), coat.Bare, c.demos, c.config) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.name, last, c.want)
		}
	}
}
