package extract

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		output, want string
		ok           bool
	}{
		{`so \boxed{5}.`, "5", true},
		{`\boxed{ \frac{1}{2} }`, `\frac{1}{2}`, true},
		{`\boxed {5}`, "5", true},
		{"\\boxed\n{5}", "5", true},
		{`\fbox{7}`, "7", true},
		{`\boxed 5`, "5", true},
		{`$\boxed 5$ is it`, "5", true},
		{`\boxed{1} no, \boxed{2}`, "2", true},
		{`\boxed{1} then \boxed{2`, "", false},
		{`\boxed{1} then \boxed{}`, "", false},
		{`\boxed{1}, \boxed{2}`, "1,2", true},
		{`\boxed{1} and \boxed{2}`, "1,2", true},
		{`$\boxed{1}$ or $\boxed{2}$`, "1,2", true},
		{`\boxed{1}\text{ and }\boxed{2}`, "1,2", true},
		{`\boxed{1} \quad \boxed{2}`, "1,2", true},
		{`\boxed{5} \boxed{5}`, "5", true},
		{`\boxed{5}. So \boxed{6} and \boxed{7}.`, "6,7", true},
		{`\boxed{\boxed{5}}`, "5", true},
		{`\boxed{\fbox{5}}`, "5", true},
		{`\boxed{x = \boxed{5}}`, `x = \boxed{5}`, true},
		{`\boxed{\{1,2\}}`, `\{1,2\}`, true},
		{`\boxed{a\\}`, `a\\`, true},
		{`\boxed{\text{(A)}}`, `\text{(A)}`, true},
		{`\boxed{$5$}`, "5", true},
		{`\boxed{5.}`, "5", true},
		{`\boxed{\$5}`, `\$5`, true},
		{`\boxed`, "", false},
		{`the answer is 5. \boxed{`, "", false},
		{"work\n#### 72", "72", true},
		{"#### $18", "$18", true},
		{"#### -5", "-5", true},
		{`#### \frac12`, `\frac12`, true},
		{"#### 1,234\nmore", "1,234", true},
		{"#### Step 1\nx\n#### 72", "72", true},
		{"#### 72\n#### Notes", "72", true},
		{"#### Conclusion", "", false},
		{"The final answer is 5.", "5", true},
		{"The final answer is $\\frac12$. I hope it is correct.", `\frac12`, true},
		{"Final Answer: The final answer is $5$. I hope it is correct.", "5", true},
		{"The answer is: 5", "5", true},
		{"Answer: 42", "42", true},
		{"**Answer:** 42", "42", true},
		{"**Answer**: 42", "42", true},
		{"**Final Answer: 42**", "42", true},
		{"ANSWER: B", "B", true},
		{"The answer is 3.14. Done.", "3.14", true},
		{"the answer is \\(x+1\\).", "x+1", true},
		{"The answer is $18. She pays $5.", "$18", true},
		{"The answer is $18.", "$18", true},
		{"The answer is 5 or 6.", "5 or 6", true},
		{"Answer:\n\n42", "42", true},
		{"Answer:\nLet me think", "", false},
		{"Answer:", "", false},
		{"The answer is 3. No, the answer is 4.", "4", true},
		{"I get 5", "", false},
		{"", "", false},
		{"answers: 5", "", false},
		{"The value is 42", "", false},
		{`<think>\boxed{5}</think>no`, "", false},
		{`<think>\boxed{5}</think>\boxed{6}`, "6", true},
		{`a</think>b</think>\boxed{6}`, "6", true},
		{`\boxed{5} #### 6`, "5", true},
		{"answer is 5\n#### 6", "6", true},
		{`\boxed{**5**}`, "5", true},
		{`\boxed{\left(\frac{1}{2}, 3\right)}`, `\left(\frac{1}{2}, 3\right)`, true},
		{`\boxedx{5}`, "", false},
	} {
		if got, ok := Find(c.output); got != c.want || ok != c.ok {
			t.Errorf("find(%q) = %q, %v, want %q, %v", c.output, got, ok, c.want, c.ok)
		}
	}
}

// Hostile outputs are read in one pass.
func TestHostile(t *testing.T) {
	for _, s := range []string{`\boxed{`, `{`, `}`, `\boxed`, `\boxed{}`, `\boxed{\boxed{1}}`, "####", "#### 1\n", "answer is ", "answer is $",
		"</think>", `\`, `\\boxed{`, `\boxed 1 `, "Answer: **"} {
		text := strings.Repeat(s, 65536/len(s))
		Find(text)
		if got, ok := Find(text + `\boxed{7}`); strings.HasSuffix(s, "{") && len(s) > 1 && s[0] == '\\' && s[1] == 'b' {
			continue
		} else if s != "{" && s != `\` && s != `\\boxed{` && s != `\boxed` && (!ok || !strings.HasSuffix(got, "7")) {
			t.Errorf("%.20q...: %.40q %v", s, got, ok)
		}
	}
}
