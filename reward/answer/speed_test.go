package answer

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// bombs are answers that have hung other checkers, and worse ones.
func bombs() []string {
	nest := func(open, in, end string, n int) string { return strings.Repeat(open, n) + in + strings.Repeat(end, n) }
	list := []string{
		`9^{9^{9^{9^9}}}`, nest(`9^{`, "9", "}", 90), nest("(", "5", ")", 900), nest(`\frac{`, "1", "}{2}", 90),
		nest(`\sqrt{`, "x", "}", 95), nest(`1\frac{`, "1", "}{2}", 95), nest(`\sin(`, "1", ")", 95), nest(`e^{`, "x", "}", 95),
		nest(`\text{`, "5", "}", 300), nest(`\boxed{`, "5", "}", 280), nest("|", "x", "|", 900), nest(`\{`, "1", `\}`, 400),
		strings.Repeat("1,", 999) + "1", strings.Repeat("x or ", 399) + "x", strings.Repeat("1+", 999) + "1",
		strings.Repeat(`\sin x+`, 280) + "1", strings.Repeat(`x^{x}+`, 330) + "1", strings.Repeat(`\pm1`, 480),
		strings.Repeat(`\sqrt2+`, 280) + "1", strings.Repeat(`(x+1)`, 400), strings.Repeat("9", 2000), "0." + strings.Repeat("3", 1990),
		`1` + strings.Repeat("0", 1000) + "!", `500!^{500}`, `\binom{500}{250}^{99}`, `(x+1)^{99999999}`, `(x+\sqrt2)^{60000}`,
		`\prod_{k=1}^{1000}\sum_{j=1}^{1000}\sin(jk)`, `\sum_{k=1}^{1000}\sin(k)`, `\sum_{k=1}^{999}\sqrt{k}`, `\sum_{k=1}^{900}k^{\sqrt k}`,
		strings.Repeat("(1,3)\\cup", 200) + "(3,4)", strings.Repeat("x<1 or ", 250) + "x<2", strings.Repeat("a=", 900) + "a",
		`\begin{pmatrix}` + strings.Repeat("1&", 600) + `1\end{pmatrix}`, `\cos(10^{-600})`, `1+10^{-900}\pi`, `10^{1000}\pi-10^{1000}\pi`,
		`\sin(\sin(\sin(10^{-1200})))`, `e^{10^{-1000}}`, `\{` + strings.Repeat(`\sqrt{2},`, 190) + `3\}`, strings.Repeat(`\ln 2,`, 300) + "1",
	}
	for _, s := range []string{"(", ")", `\`, "$", `\frac`, "x", "1 ", "^", "_", "|", "𝟙", "½", "²", `\left(`, `\text{`, "}", "=", "<", `\pm `, "!", "1,", "a.m.", `\begin{matrix}`, "+-"} {
		list = append(list, strings.Repeat(s, 1990/len(s)), strings.Repeat(s, 65536/len(s)))
	}
	return list
}

// hostile are golds of many kinds; bombs go off in the comparison with one of them if at all.
var hostile = []string{"5", "x", `\sqrt{2}`, `\pi`, "(1,2)", `(1,2)\cup(3,4)`, `\{1,2\}`, "x>3", "x^2+y^2=1", "A", "yes", `\sin x`, "1,2,3", "50\\%",
	`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, "0.333333", `e^{x}+\sqrt{x}`, `\{\sqrt2,\sqrt3\}`}

// No call takes more than MaxSteps, whatever it compares, and no bomb is right.
func TestWorstCall(t *testing.T) {
	for _, gold := range hostile {
		g, err := CompileGold(gold)
		if err != nil {
			t.Fatal(err)
		}
		for _, bomb := range bombs() {
			Extract(bomb)
			if v := g.Equal(bomb); v.Equal || v.Steps > MaxSteps {
				t.Errorf("%q equals %.60q: %v", gold, bomb, v)
			}
		}
	}
}

// BenchmarkWorstCall reports the slowest call over all bombs, extraction included.
func BenchmarkWorstCall(b *testing.B) {
	worst := time.Duration(0)
	for b.Loop() {
		for _, gold := range hostile {
			g, err := CompileGold(gold)
			if err != nil {
				b.Fatal(err)
			}
			for _, bomb := range bombs() {
				best := time.Hour // of three: other work on the machine is not ours
				for range 3 {
					start := time.Now()
					Extract(bomb)
					g.Equal(bomb)
					best = min(best, time.Since(start))
				}
				worst = max(worst, best)
			}
		}
	}
	b.ReportMetric(worst.Seconds()*1e3, "worst-ms")
}

// No call takes more than 4 MiB, all that it threw away included.
func TestMemory(t *testing.T) {
	worst, at := uint64(0), ""
	for _, gold := range []string{"5", `\sin x+\sqrt{2}`, `\{\sqrt2,\sqrt3\}`, `(1,2)\cup(3,4)`} {
		g, err := CompileGold(gold)
		if err != nil {
			t.Fatal(err)
		}
		for _, bomb := range bombs() {
			g.Equal(bomb) // constants are made once
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			Extract(bomb)
			g.Equal(bomb)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > worst {
				worst, at = n, gold+" and "+bomb[:min(len(bomb), 60)]
			}
		}
	}
	t.Logf("worst call %d KiB: %s", worst>>10, at)
	if worst > 4<<20 {
		t.Errorf("a call took %d KiB: %s", worst>>10, at)
	}
}

// BenchmarkQuantiles reports the time of a call over all cases but the bombs.
func BenchmarkQuantiles(b *testing.B) {
	paths, _ := filepath.Glob("testdata/*.tsv")
	var times []time.Duration
	for b.Loop() {
		times = times[:0]
		for _, path := range paths {
			if strings.Contains(path, "bomb") {
				continue
			}
			for _, s := range samples(b, path) {
				g, err := CompileGold(s.gold)
				if err != nil {
					continue
				}
				best := time.Hour
				for range 5 {
					start := time.Now()
					g.Equal(s.pred)
					best = min(best, time.Since(start))
				}
				times = append(times, best)
			}
		}
	}
	slices.Sort(times)
	for name, at := range map[string]int{"median-µs": 50, "p99-µs": 99} {
		b.ReportMetric(times[len(times)*at/100].Seconds()*1e6, name)
	}
}
