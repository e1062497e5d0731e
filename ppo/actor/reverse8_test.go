package actor

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
)

// Seconds of training until a model reverses 9 of 10 strings of eight letters, for GRPO
// and PPO. SATORI_REVERSE8 names a directory with train.txt and test.txt, one string a
// line, and sft-model, a Hugging Face directory over the 32 words below that writes
// "<bos> a b c d e f g h = h g f e d c b a <eos>" and is right in four cases of ten;
// SATORI_SEEDS says how many seeds (1):
//
//	SATORI_REVERSE8=reverse8 go test -run TestReverse8 -v -timeout 1h ./ppo/actor
//
// The clock stands still during evaluation. Batches, rates and clips are those of the
// task: 256 rollouts an iteration, four updates, AdamW at 1e-4, no KL.
func TestReverse8(t *testing.T) {
	dir := os.Getenv("SATORI_REVERSE8")
	if dir == "" {
		t.Skip("SATORI_REVERSE8 names no directory")
	}
	seeds, _ := strconv.Atoi(os.Getenv("SATORI_SEEDS"))
	for _, c := range []struct {
		name   string
		config ppo.Config
	}{
		{"GRPO", ppo.Config{RolloutBatch: 256, MiniBatch: 64, NumGenerations: 8, Advantage: ppo.GRPO()}},
		{"PPO", ppo.Config{RolloutBatch: 256, MiniBatch: 256, Epochs: 4, Lambda: ppo.Frac(0.95)}},
	} {
		for seed := range uint64(max(1, seeds)) {
			c.config.Iterations, c.config.MinLRRatio, c.config.WarmupRatio, c.config.Seed = 150, ppo.Frac(1), ppo.Frac(1e-9), seed // a constant rate
			reverse8(t, dir, c.name, c.config)
		}
	}
}

func reverse8(t *testing.T, dir, name string, c ppo.Config) {
	b, err := model.OpenBackend("")
	require.NoError(t, err)
	vocabulary := append(strings.Fields("<pad> <bos> <eos> ="), strings.Split("abcdefghijklmnopqrstuvwxyz", "")...)
	tok, err := tokenizer.NewWordLevel(append(vocabulary, "<u1>", "<u2>"), nil)
	require.NoError(t, err)
	net, err := model.OpenNet(b, filepath.Join(dir, "sft-model"))
	require.NoError(t, err)
	lm, err := model.NewLM(net, tok)
	require.NoError(t, err)
	var critic *model.Net
	if c.Advantage.Func == nil {
		critic = withScore(t, net, c.Seed)
	}
	prompt := func(s coat.Start) string { return s.Problem.Question }
	policy, err := New(lm, critic, Config{
		Template: prompt, MaxTokens: 12, Temperature: 1, PolicyRate: 1e-4, CriticRate: 1e-4, CriticSteps: 1, AdamW: model.AdamW{Beta2: 0.999},
	})
	require.NoError(t, err)
	defer policy.Close()
	test := letters(t, filepath.Join(dir, "test.txt"))
	exact := func() float64 {
		right := 0.0
		for r, err := range (model.SamplingParams{MaxTokens: 9}).Rollouts(t.Context(), lm, prompt, firstOf(ppo.Cycle(test, 0), len(test))) {
			require.NoError(t, err)
			if v, _ := reversed(t.Context(), r.Attempt); v == 1 {
				right++
			}
		}
		return right / float64(len(test))
	}
	t.Logf("%s, seed %d: %.3f to begin with", name, c.Seed, exact())

	trainer := ppo.Trainer{Policy: policy, Rubric: reward.Rubric{{Name: "reversed", Weight: 1, Func: reversed, High: 1}}, Config: c}
	spent, since := time.Duration(0), time.Now()
	for step, err := range trainer.Train(t.Context(), ppo.Cycle(letters(t, filepath.Join(dir, "train.txt")), c.Seed)) {
		require.NoError(t, err)
		spent += time.Since(since)
		if step.Iteration%5 == 0 {
			x := exact()
			t.Logf("%s, seed %d: %3d iterations, %.1f s, %.3f right, explained variance %.2f", name, c.Seed, step.Iteration, spent.Seconds(), x, step.ExplainedVariance)
			if x >= 0.9 {
				return
			}
		}
		since = time.Now()
	}
	t.Errorf("%s, seed %d: never at 90 %%", name, c.Seed)
}

func letters(t *testing.T, file string) (problems []coat.Problem) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, s := range strings.Fields(string(data)) {
		split := strings.Split(s, "")
		question := "<bos> " + strings.Join(split, " ") + " ="
		slices.Reverse(split)
		problems = append(problems, coat.Problem{ID: s, Question: question, Answer: strings.Join(split, " ")})
	}
	return problems
}

// reversed is the share of the nine positions that are right, the EOS among them.
func reversed(_ context.Context, a coat.Attempt) (float64, error) {
	got, want := strings.Fields(a.Text), strings.Fields(a.Start.Problem.Answer)
	right := 0
	for i, w := range want {
		if i < len(got) && got[i] == w {
			right++
		}
	}
	if len(got) == len(want) && !a.Truncated {
		right++
	}
	return float64(right) / float64(len(want)+1), nil
}
