namespace Gateway.Protocol;

/// <summary>A point on a monotonic clock, in ticks of 100 ns from an arbitrary origin. Never wall-clock time.</summary>
/// <param name="Ticks">Ticks of 100 ns since the clock's origin.</param>
public readonly record struct Instant(long Ticks) : IComparable<Instant>
{
    /// <summary>Before every instant a clock gives: "has not happened".</summary>
    public static Instant Never => default;

    /// <summary>After every instant a clock gives: "nothing is due".</summary>
    public static Instant Infinity => new(long.MaxValue);

    /// <summary>Whether this is <see cref="Never"/>.</summary>
    public bool IsNever => Ticks == 0;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Ticks.CompareTo(other.Ticks);

    /// <summary>The earlier of two instants.</summary>
    public static Instant Min(Instant a, Instant b) => a.Ticks <= b.Ticks ? a : b;

    /// <summary>The later of two instants.</summary>
    public static Instant Max(Instant a, Instant b) => a.Ticks >= b.Ticks ? a : b;

    /// <summary>Moves an instant forward.</summary>
    public static Instant operator +(Instant a, TimeSpan b) => new(a.Ticks + b.Ticks);

    /// <summary>The time from <paramref name="b"/> to <paramref name="a"/>.</summary>
    public static TimeSpan operator -(Instant a, Instant b) => new(a.Ticks - b.Ticks);

    /// <summary>Earlier than.</summary>
    public static bool operator <(Instant a, Instant b) => a.Ticks < b.Ticks;

    /// <summary>Later than.</summary>
    public static bool operator >(Instant a, Instant b) => a.Ticks > b.Ticks;

    /// <summary>Not later than.</summary>
    public static bool operator <=(Instant a, Instant b) => a.Ticks <= b.Ticks;

    /// <summary>Not earlier than.</summary>
    public static bool operator >=(Instant a, Instant b) => a.Ticks >= b.Ticks;
}

/// <summary>Both clocks that the protocol needs, read at once by the caller.</summary>
/// <param name="Monotonic">For timers and key ages.</param>
/// <param name="Utc">For the TAI64N timestamp of a handshake initiation and for what people are shown.</param>
public readonly record struct Moment(Instant Monotonic, DateTimeOffset Utc);
