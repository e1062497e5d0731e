package answer_test

import (
	"fmt"

	"github.com/satori-go/satori/reward/answer"
)

// A gold answer judges the attempts at its problem.
func Example() {
	gold, err := answer.CompileGold(`\frac{1}{2}`)
	if err != nil {
		panic(err)
	}
	for _, output := range []string{
		`Half of them, so \boxed{0.5}.`,
		`The answer is $\frac{\sqrt{4}}{4}$.`,
		"#### 2",
		`\boxed{\{\frac{1}{2}, \frac{1}{3}, \frac{1}{4}\}}`,
		`\boxed{9^{9^{9^{9}}}}`,
		`\boxed{\frac{1}{2}`,
		"I think it is 1/2",
	} {
		pred, ok := answer.Extract(output)
		if !ok {
			fmt.Println("nothing found")
			continue
		}
		fmt.Printf("%s: %v\n", pred, gold.Equal(pred).Reason)
	}
	// Output:
	// 0.5: equal
	// \frac{\sqrt{4}}{4}: equal
	// 2: different
	// \{\frac{1}{2}, \frac{1}{3}, \frac{1}{4}\}: different
	// 9^{9^{9^{9}}}: over budget
	// nothing found
	// nothing found
}

// CheckGold refuses, when data is read, what could not be judged later.
func ExampleCheckGold() {
	fmt.Println(answer.CheckGold(`x^2 + 1`))
	fmt.Println(answer.CheckGold(`\frac{1}{0}`))
	// Output:
	// <nil>
	// "\\frac{1}{0}" is undefined
}

// A comparison ends within its budget of steps, whatever a policy writes.
func ExampleVerdict() {
	gold, err := answer.CompileGold("5")
	if err != nil {
		panic(err)
	}
	v := gold.Equal(`\prod_{k=1}^{1000}\sum_{j=1}^{1000}\sin(jk)`)
	fmt.Println(v.Equal, v.Reason, v.Steps <= answer.MaxSteps)
	// Output: false over budget true
}
