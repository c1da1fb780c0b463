// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Burning and splitting of lost bonds.
library Burn {
    uint256 internal constant BPS = 10_000;

    /// @notice Splits a lost bond. Rounds in favour of burning.
    function split(uint256 bondWei, uint256 burnBps) internal pure returns (uint256 paidWei, uint256 burnedWei) {
        paidWei = bondWei * (BPS - burnBps) / BPS;
        burnedWei = bondWei - paidWei;
    }

    /// @notice Sends an amount where nobody can ever spend it.
    function burn(uint256 amountWei) internal {
        if (amountWei == 0) return;
        // The zero address has no code and no key: the call cannot fail for want of anything but balance.
        (bool sent,) = address(0).call{value: amountWei}("");
        assert(sent);
    }
}
