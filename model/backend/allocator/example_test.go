package allocator_test

import (
	"fmt"
	"log"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/backend/allocator"
)

// A program that trains tunes the allocator first, and then opens the backend.
func ExampleTune() {
	allocator.Tune()
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.NumDevices(), "device")
	// Output:
	// 1 device
}
