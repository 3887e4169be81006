public import ArgumentParser
public import JetSearch

/// Strategies by the names that configurations have for them.
extension PlacementConfiguration.StrategyName: ExpressibleByArgument {}
