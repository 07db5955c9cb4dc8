# For the hands of the original program's users; everything is done by ./dev.
IMAGE ?= pingmesh
.PHONY: standalone test docker push

standalone:
	./dev build

test:
	./dev test

docker:
	./dev docker

push: docker
	docker push $(IMAGE)
