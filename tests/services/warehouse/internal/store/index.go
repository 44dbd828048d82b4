package store

import (
	"fmt"
	"math/bits"
)

// Node is a place in the index of all pallets, with the way to its neighbours.
type Node struct {
	Label       string
	Left, Right *Node
	Attributes  map[string]string
}

// PalletIndex is the whole hall in memory: every pallet ever seen, a tree by number.
type PalletIndex struct {
	root  *Node
	count int
}

// BuildPalletIndex makes the tree of a number of pallets.
func BuildPalletIndex(count int) *PalletIndex {
	return &PalletIndex{root: grow(1, count), count: count}
}

func grow(number, count int) *Node {
	if number > count {
		return nil
	}
	node := &Node{Label: fmt.Sprintf("pallet-%08d", number)}
	if number%16 == 0 {
		node.Attributes = map[string]string{"kind": "euro", "state": node.Label[7:]}
	}
	node.Left, node.Right = grow(2*number, count), grow(2*number+1, count)
	return node
}

// Find walks to a pallet: its number, bit by bit, is the way.
func (p *PalletIndex) Find(number int) *Node {
	if number < 1 || number > p.count {
		return nil
	}
	node := p.root
	for level := bits.Len(uint(number)) - 2; level >= 0; level-- {
		if number>>level&1 == 1 {
			node = node.Right
		} else {
			node = node.Left
		}
	}
	return node
}
