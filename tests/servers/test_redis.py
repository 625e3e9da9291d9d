from redis import Redis

from tests.servers.redis import redis_server


def test_server_answers_on_its_own_socket():
    with redis_server() as server, Redis.from_url(server.url) as client:
        client.set("a", "1")
        assert client.get("a") == b"1"
    assert not server.endpoint.exists()


def test_kept_data_survives_a_kill():
    with redis_server(keep=True) as server:
        with Redis.from_url(server.url) as client:
            client.set("a", "1")
            client.save()
        server.kill()
        server.start()
        with Redis.from_url(server.url) as client:
            assert client.get("a") == b"1"
