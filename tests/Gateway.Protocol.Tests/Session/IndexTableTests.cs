using Gateway.Protocol.Tests.Simulation;

namespace Gateway.Protocol.Tests.Session;

public sealed class IndexTableTests
{
    [Fact]
    public void Table_ThousandsOfSessions_FindsEachAndForgetsTheRemoved()
    {
        using var random = new SeededRandom(1);
        using var station = new Station(1, 1);
        using var other = new Station(2, 2);
        station.AddPeer(other);
        var table = new IndexTable(random);
        var crypto = new LibcryptoPrimitives();
        var sessions = new List<KeyPair>();
        var handshakes = new List<uint>();
        for (var number = 0; number < 3000; number++)
        {
            var session = new KeyPair(station.Peer, table.Draw(), 0, true, crypto.CreateAeadKey(new byte[32]), crypto.CreateAeadKey(new byte[32]), new Instant(1));
            table.Add(session);
            sessions.Add(session);
            handshakes.Add(table.AddHandshake(station.Peer));
        }

        Assert.All(sessions, s => Assert.Same(s, table.FindKeyPair(s.LocalIndex)));
        Assert.All(sessions, s => Assert.Null(table.FindHandshake(s.LocalIndex)));
        Assert.All(handshakes, h => Assert.Same(station.Peer, table.FindHandshake(h)));
        Assert.All(handshakes, h => Assert.Null(table.FindKeyPair(h)));
        Assert.Equal(6000, sessions.Select(s => s.LocalIndex).Concat(handshakes).Distinct().Count());

        foreach (var session in sessions.Where((_, number) => number % 2 == 0))
        {
            table.Remove(session);
            session.Dispose();
        }

        Assert.All(sessions.Where((_, number) => number % 2 == 0), s => Assert.Null(table.FindKeyPair(s.LocalIndex)));
        Assert.All(sessions.Where((_, number) => number % 2 == 1), s => Assert.Same(s, table.FindKeyPair(s.LocalIndex)));
        sessions.ForEach(s => s.Dispose());
    }
}
