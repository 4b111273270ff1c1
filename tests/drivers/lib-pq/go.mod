module program

go 1.21

require (
	github.com/lib/pq v1.10.9
	scenario v0.0.0
)

replace scenario => ../common/go
